"""Makes the pictures of this folder and expected.json: what Pillow, NumPy and PyTorch read in them.

Run from anywhere: python make_images.py. Needs pillow, numpy, torch and (for the YCCK file) libturbojpeg.so.0.
"""
import ctypes, json, pathlib, struct, zlib
import numpy as np
import torch
from PIL import Image, ImageOps

here = pathlib.Path(__file__).parent
rng = np.random.default_rng(7)
H, W = 7, 13
expected = {"rgb": {}, "labels": {}, "resize": []}


def png(path, width, height, depth, color, rows, interlaced=False, chunks=()):
    """A PNG from rows of packed samples, for forms that Pillow does not write."""
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced))
    body = b"".join(b"\0" + row for row in rows)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunk(k, b) for k, b in chunks)
    (here / path).write_bytes(data + chunk(b"IDAT", zlib.compress(body, 9)) + chunk(b"IEND", b""))


def pack(row, depth):
    """The bytes of a row of samples (any trailing axis flattened)."""
    if depth == 16:
        return row.astype(">u2").tobytes()
    if depth == 8:
        return row.astype(np.uint8).tobytes()
    bits = "".join(format(int(v), f"0{depth}b") for v in row)
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))


def adam7(a, depth):
    for y, x, dy, dx in [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]:
        for row in a[y::dy, x::dx]:
            if row.size:
                yield pack(row.reshape(-1), depth)


def rgb(name, array=None):
    if array is None:
        array = np.asarray(ImageOps.exif_transpose(Image.open(here / name)).convert("RGB"))
    expected["rgb"][name] = {"width": array.shape[1], "height": array.shape[0],
                             "pixels": array.astype(np.uint8).tobytes().hex()}


def labels(name, array):
    expected["labels"][name] = {"width": array.shape[1], "height": array.shape[0], "values": array.reshape(-1).tolist()}


colors = rng.integers(0, 256, (256, 3)).astype(np.uint8)
photo = rng.integers(0, 256, (H, W, 3)).astype(np.uint8)

# Grey and palette PNGs of every depth: samples as stored, and as RGB.
for depth in (1, 2, 4, 8, 16):
    samples = rng.integers(0, 2 ** depth, (H, W))
    for suffix, rows in (("", [pack(r, depth) for r in samples]), ("_interlaced", list(adam7(samples, depth)))):
        name = f"gray{depth}{suffix}.png"
        png(name, W, H, depth, 0, rows, bool(suffix))
        labels(name, samples)
        # Scaled to 8 bits: 16-bit values divided by 257 and rounded.
        grey = np.floor(samples * 255 / (2 ** depth - 1) + 0.5)
        rgb(name, np.repeat(grey[..., None], 3, 2))
        if depth < 16:
            opened = Image.open(here / name).convert("RGB")
            assert (np.asarray(opened)[..., 0] == grey).all()
        else:
            assert (np.asarray(Image.open(here / name)).astype(int) == samples).all()
    if depth == 16:
        continue
    for suffix, rows in (("", [pack(r, depth) for r in samples]), ("_interlaced", list(adam7(samples, depth)))):
        name = f"palette{depth}{suffix}.png"
        png(name, W, H, depth, 3, rows, bool(suffix), [(b"PLTE", colors[:2 ** depth].tobytes())])
        labels(name, samples)
        rgb(name)
        assert (np.asarray(Image.open(here / name)) == samples).all()

Image.fromarray(photo).save(here / "rgb8.png")
rgb("rgb8.png", photo)
png("rgb8_interlaced.png", W, H, 8, 2, adam7(photo, 8), True)
rgb("rgb8_interlaced.png")
alpha = rng.integers(0, 256, (H, W, 1)).astype(np.uint8)
Image.fromarray(np.concatenate([photo, alpha], 2)).save(here / "rgba8.png")
rgb("rgba8.png", photo)
Image.fromarray(np.concatenate([photo[..., :1], alpha], 2), "LA").save(here / "gray_alpha8.png")
rgb("gray_alpha8.png", np.repeat(photo[..., :1], 3, 2))
deep = rng.integers(0, 65536, (H, W, 3))
png("rgb16.png", W, H, 16, 2, [pack(r.reshape(-1), 16) for r in deep])
rgb("rgb16.png", np.floor(deep / 257 + 0.5))
png("rgb8_transparent_color.png", W, H, 8, 2, [pack(r.reshape(-1), 8) for r in photo],
    chunks=[(b"tRNS", struct.pack(">HHH", *map(int, photo[0, 0])))])
rgb("rgb8_transparent_color.png", photo)
png("rgb8_gamma_and_text.png", W, H, 8, 2, [pack(r.reshape(-1), 8) for r in photo],
    chunks=[(b"gAMA", struct.pack(">I", 100000)), (b"tEXt", b"Comment\0none")])
rgb("rgb8_gamma_and_text.png", photo)

# JPEGs. A smooth picture whose corners differ, so that every orientation shows.
y, x = np.mgrid[0:H, 0:W]
smooth = np.stack([x * 19, y * 40, 255 - x * 10 - y * 10], 2).clip(0, 255).astype(np.uint8)
for orientation in range(1, 9):
    order, mark = ("<", b"II*\0") if orientation % 2 else (">", b"MM\0*")
    # Two entries, so that the reader has to look for its own: Make (ASCII) and Orientation (SHORT).
    exif = b"Exif\0\0" + mark + struct.pack(order + "IH", 8, 2)
    exif += struct.pack(order + "HHI", 0x010F, 2, 4) + b"abc\0"
    exif += struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0) + struct.pack(order + "I", 0)
    name = f"orientation{orientation}.jpg"
    Image.fromarray(smooth).save(here / name, quality=95, subsampling=0, exif=exif)
    rgb(name)
Image.fromarray(smooth).save(here / "progressive.jpg", quality=90, progressive=True)
rgb("progressive.jpg")
Image.fromarray(smooth).save(here / "subsampled.jpg", quality=90, subsampling=2)
rgb("subsampled.jpg")
Image.fromarray(smooth[..., 0]).save(here / "gray.jpg", quality=95)
rgb("gray.jpg")
inks = np.concatenate([smooth, (20 + 5 * x)[..., None].astype(np.uint8)], 2)
Image.fromarray(inks, "CMYK").save(here / "cmyk.jpg", quality=95)
rgb("cmyk.jpg")

turbo = ctypes.CDLL("libturbojpeg.so.0")
turbo.tjInitCompress.restype = ctypes.c_void_p
target, size = ctypes.c_void_p(), ctypes.c_ulong()
light = np.ascontiguousarray(255 - inks)
TJPF_CMYK, TJSAMP_444 = 11, 0
assert turbo.tjCompress2(ctypes.c_void_p(turbo.tjInitCompress()), light.ctypes.data_as(ctypes.c_void_p), W, 0, H, TJPF_CMYK,
                         ctypes.byref(target), ctypes.byref(size), TJSAMP_444, 95, 0) == 0
(here / "ycck.jpg").write_bytes(ctypes.string_at(target, size.value))
rgb("ycck.jpg")

# Headers that promise what the file does not hold.
png("huge.png", 50000, 50000, 8, 2, [b"\0" * 10])
png("zero_width.png", 0, 5, 8, 2, [])
png("zero_height.png", 5, 0, 8, 2, [])
huge = bytearray((here / "gray.jpg").read_bytes())
sof = huge.index(b"\xff\xc0")
huge[sof + 5:sof + 9] = struct.pack(">HH", 50000, 50000)
(here / "huge.jpg").write_bytes(huge)

# Resizing: PyTorch's bilinear, without antialias, rounded half up to bytes; Pillow's nearest, by pixel centres.
for height, width in ((3, 5), (14, 26), (7, 13), (10, 7), (1, 1), (23, 40)):
    image = torch.tensor(photo).permute(2, 0, 1)[None].float()
    out = torch.nn.functional.interpolate(image, size=(height, width), mode="bilinear", align_corners=False)
    out = (out + 0.5).floor()[0].permute(1, 2, 0).numpy().astype(np.uint8)
    near = np.asarray(Image.fromarray(photo[..., 0]).resize((width, height), Image.NEAREST))
    expected["resize"].append({"width": width, "height": height, "pixels": out.tobytes().hex(),
                               "nearest": near.reshape(-1).tolist()})
expected["normalized"] = [float(v) for v in ((photo / 255.0 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225])
                          .transpose(2, 0, 1).reshape(-1).astype(np.float32)]
(here / "expected.json").write_text(json.dumps(expected))
