"""What scripts/docs found: public symbols without a doc comment, and symbols that a catalogue leaves out.

    python3 scripts/check-docs.py FOLDER MODULE...

FOLDER has graphs/MODULE/*.symbols.json and MODULE.doccarchive. A symbol that inherits the comment of the requirement
that it meets has one: swift-symbolgraph-extract writes it down.
"""

import json
import pathlib
import sys

folder, modules = pathlib.Path(sys.argv[1]), sys.argv[2:]
symbols, undocumented, uncurated = 0, 0, 0
for module in modules:
    for file in sorted((folder / "graphs" / module).glob("*.symbols.json")):
        for symbol in json.loads(file.read_text())["symbols"]:
            # Members that another module's protocol extensions give, and blocks that extend another module's types.
            if "::SYNTHESIZED::" in symbol["identifier"]["precise"] or symbol["kind"]["identifier"] == "swift.extension":
                continue
            symbols += 1
            if not any(line["text"].strip() for line in symbol.get("docComment", {}).get("lines", [])):
                undocumented += 1
                print(f"{module}: {'.'.join(symbol['pathComponents'])}: no doc comment")
    name = module.lower()
    page = json.loads((folder / f"{module}.doccarchive/data/documentation/{name}.json").read_text())
    # Sections that docc makes itself hold what the catalogue does not.
    for section in page.get("topicSections", []):
        if section.get("generated"):
            for place in section["identifiers"]:
                uncurated += 1
                print(f"{module}: {place.rsplit('/', 1)[-1]}: in no group of the catalogue")
print(f"{symbols} public symbols of {len(modules)} modules: {undocumented} without a doc comment, {uncurated} in no group")
sys.exit(1 if undocumented or uncurated else 0)
