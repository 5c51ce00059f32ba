"""What TensorBoard itself writes: makes events.out.tfevents.fixture. Needs tensorboard.

Times are fixed, so that the package can be asked for the same bytes.
"""

import pathlib

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter

HERE = pathlib.Path(__file__).parent


def scalars(step, **numbers):
    values = [Summary.Value(tag=name.replace("_", " "), simple_value=number) for name, number in numbers.items()]
    return Event(wall_time=1.5, step=step, summary=Summary(value=values))


with open(HERE / "events.out.tfevents.fixture", "wb") as file:
    writer = RecordWriter(file)
    for event in [
        Event(wall_time=1.5, file_version="brain.Event:2"),
        scalars(1, loss=2.5, learning_rate=0.01),
        scalars(300, loss=-0.125, learning_rate=1e-9),
        scalars(300, meanIoU=0.625),
        Event(wall_time=1.5, step=70000, summary=Summary(value=[Summary.Value(
            tag="samples/0", image=Summary.Image(height=2, width=300, colorspace=3, encoded_image_string=bytes(range(256)) * 2))])),
    ]:
        writer.write(event.SerializeToString())
    writer.flush()
