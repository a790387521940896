#!/usr/bin/env python3
"""Measures words on the demo gallery: misspelt ones, ones without a meaning, and colours.

    clippy demo &
    scripts/words-on-the-demo.py 127.0.0.1:8000

Prints what was not as expected, and fails if it is too much. Colours are judged by the tags and by
the mean colour of the middle of the first picture.
"""

import colorsys
import io
import sys
import urllib.request

from measuring import Server

MISSPELT = {
    "aplle": "apple", "elefant": "elephant", "bannana": "banana", "buterfly": "butterfly",
    "bycicle": "bicycle", "gitar": "guitar", "rokcet": "rocket", "pengiun": "penguin",
    "mushrom": "mushroom", "umbrela": "umbrella", "rabit": "rabbit", "strawbery": "strawberry",
    "octapus": "octopus", "candel": "candle", "turtel": "turtle", "baloon": "balloon",
    "camara": "camera", "wale": "whale", "snowmann": "snowman", "tullip": "tulip",
}  # fmt: skip
SYNONYMS = {
    "automobile": "car", "kitten": "cat", "puppy": "dog", "cottage": "house", "boat": "sailboat",
    "jet": "airplane", "blossom": "flower", "fungus": "mushroom", "toadstool": "mushroom",
    "bunny": "rabbit", "bike": "bicycle", "plane": "airplane", "daisy": "flower", "mug": "cup",
    "present": "gift", "love": "heart", "photo": "camera", "tortoise": "turtle", "spooky": "ghost",
    "alarm clock": "clock",
}  # fmt: skip
NONSENSE = """xyzzyqwert flumborg zqxjkvbw grelnash wibbletrop qwfpgjl snarkleby vornathix plimsonk
    dreblow kzzzt mumfrap ghoolix trunzel bwaxyz ploonk skrimwald jubjubber yattering
    oopsiwob""".split()
REAL = """apple house cat dog tree car fish bird sun moon star flower heart clock key crown book
    guitar rocket robot snowman owl butterflies teapot cactus mushrooms penguin rainbow strawberry
    carrot""".split()
REAL += ["red apple", "a small house", "cats", "sleeping dog", "pine tree", "hot air balloon"]
REAL += ["ice cream", "umbrella in rain", "old camera", "a whale"]
# The hue of a colour in degrees, from and to.
HUES = {
    "red": (340, 380), "orange": (12, 45), "yellow": (35, 65), "green": (70, 175),
    "blue": (190, 265), "purple": (255, 325), "pink": (300, 365), "brown": (10, 45),
}  # fmt: skip
COLOURED = """red apple,blue car,red car,green tree,yellow star,red heart,blue fish,orange fish,
    pink flower,yellow banana,purple butterfly,brown dog,red house,green cactus,red mushroom,
    yellow duck,blue bird,pink cupcake,red umbrella,orange cat"""
COLOURED = [pair.strip() for pair in COLOURED.split(",")]


def search(server: Server, words: str, top: int) -> dict:
    query = {"query_text": words, "top": top, "w_img": 0, "w_edge": 0, "w_txt": 1}
    return server.post("/api/search/hybrid", query)


def tags(found: dict) -> list[str]:
    return found["payload"]["tags_all"]


def has_colour(server: Server, found: dict, colour: str) -> bool:
    """Whether a tenth of the middle of a picture has clearly this colour."""
    from PIL import Image

    address = f"http://{server.address}{found['payload']['image_url']}?w=128"
    with urllib.request.urlopen(address) as answer:
        picture = Image.open(io.BytesIO(answer.read())).convert("RGB")
    width, height = picture.size
    middle = picture.crop((width // 4, height // 4, 3 * width // 4, 3 * height // 4))
    pixels = [middle.getpixel((x, y)) for x in range(middle.width) for y in range(middle.height)]
    start, end = HUES[colour]

    def fits(pixel: tuple[int, int, int]) -> bool:
        hue, saturation, value = colorsys.rgb_to_hsv(*(part / 255 for part in pixel))
        degrees = 360 * hue
        return saturation > 0.25 and value > 0.2 and any(
            start <= turned <= end for turned in (degrees, degrees + 360)
        )

    return sum(map(fits, pixels)) >= len(pixels) / 10


def main() -> None:
    server = Server(sys.argv[1])
    failed = []

    def check(name: str, wrong: list[str], of: int, most: int) -> None:
        print(f"{name}: {of - len(wrong)} of {of}" + (f", not {', '.join(wrong)}" if wrong else ""))
        if len(wrong) > most:
            failed.append(name)

    wrong = []
    for word, meant in MISSPELT.items():
        advice = search(server, word, 1).get("did_you_mean") or {}
        if advice.get("text") != meant:
            wrong.append(word)
    check("misspelt words corrected", wrong, len(MISSPELT), 4)

    wrong = []
    for word, meant in SYNONYMS.items():
        first = search(server, word, 1)["results"][0]
        if meant not in tags(first):
            wrong.append(word)
    check("synonyms that find their subject", wrong, len(SYNONYMS), 4)

    wrong = [word for word in NONSENSE if not search(server, word, 24)["nothing_close"]]
    check("nonsense to which nothing is close", wrong, len(NONSENSE), 2)
    wrong = [word for word in REAL if search(server, word, 24)["nothing_close"]]
    check("words to which something is close", wrong, len(REAL), 1)

    wrong = []
    for words in COLOURED:
        colour, thing = words.split()
        first = search(server, words, 1)["results"][0]
        if thing not in tags(first) or not has_colour(server, first, colour):
            wrong.append(words)
    check("first pictures of the thing in its colour", wrong, len(COLOURED), 3)
    if failed:
        sys.exit(f"too much is wrong: {', '.join(failed)}")


main()
