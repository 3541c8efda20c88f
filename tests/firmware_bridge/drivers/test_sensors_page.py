"""The page that tells people what to buy says what the drivers do."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

from firmware_bridge.constants import DEG_RAD, G_M_S2
from firmware_bridge.drivers import DRIVERS, kneeflex
from firmware_bridge.drivers.kneeflex import Configuration, Scale
from firmware_bridge.drivers.polar_frame import ENCODINGS
from firmware_bridge.drivers.seam import Advertisement
from firmware_bridge.errors import DecodeError
from firmware_bridge.virtual.boards import DRIVER_OF, FIRMWARES

PAGES = Path(__file__).parents[3] / "docs"
PAGE = (PAGES / "sensors.md").read_text(encoding="utf-8")
TABLE = [line for line in PAGE.splitlines() if re.match(r"\| `[a-z0-9-]+` \|", line)]
COLUMNS = "driver rates range clock counter battery real round_trip start board loss source".split()  # noqa: SIM905
ROWS = {
    row[0].strip("`"): dict(zip(COLUMNS, row, strict=True))
    for row in (r.strip("| ").split(" | ") for r in TABLE)
}
WRAPS_MIN = {"71.6 min": 71.6, "49.7 days": 49.7 * 24 * 60}


def _info(driver):
    reads = {kneeflex.CONFIGURATION: bytes(Configuration((1, 0, 0), Scale(), 0, (104.0,)))}
    return driver.info("", reads, driver.rates_hz()[0])


def test_every_driver_is_on_the_page_twice():
    assert set(ROWS) == set(DRIVERS)
    bought = re.findall(r"^\| .* \| `([a-z0-9-]+)` \| .* \| .* \|$", PAGE, re.MULTILINE)
    assert set(bought) == set(DRIVERS)


@pytest.mark.parametrize("driver", DRIVERS.values(), ids=lambda driver: driver.name)
def test_the_row_says_what_the_driver_says(driver):
    row, info = ROWS[driver.name], _info(driver)
    assert row["rates"] == ", ".join(f"{rate:g}" for rate in driver.rates_hz())
    boards = [board for board in FIRMWARES if DRIVER_OF.get(board, board) == driver.name]
    assert row["board"].startswith("yes")
    assert all(f"`{board}`" in row["board"] for board in boards if board != driver.name)
    assert row["counter"] == ("yes" if info.clock and info.clock.sequence_modulo else "no")
    assert ("ping" in row["clock"]) == (driver.ping is not None)
    tells_battery = any(driver.battery_percent({c: b"\x32" + bytes(n)}) for c in driver.reads for n in (0, 1))
    assert row["battery"] == ("yes" if tells_battery else "no")
    if driver.name == "kneeflex":
        assert row["range"] == "told by the board"
    elif info.acc_range_m_s2 is None:
        assert row["range"] == "not told"
    else:
        acc, gyr = info.acc_range_m_s2 / G_M_S2, info.gyr_range_rad_s / DEG_RAD
        assert row["range"] == f"{acc:.0f} g, {gyr:.0f} deg/s"


@pytest.mark.parametrize("driver", DRIVERS.values(), ids=lambda driver: driver.name)
def test_the_clock_wraps_where_the_row_says(driver):
    told, clock = ROWS[driver.name]["clock"], _info(driver).clock
    assert (told == "none") == (clock is None)
    for words, minutes in WRAPS_MIN.items():
        if words in told:
            assert clock.ticks_modulo * clock.tick_s / 60 == pytest.approx(minutes, rel=1e-3)


def _tests_of(name):
    path = Path(__file__).parent / f"test_{name}.py"
    spec = importlib.util.spec_from_file_location(f"counted_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_real_packets_are_counted_right():
    sync, mm, polar = (_tests_of(n) for n in ("movella_sync", "metamotion", "polar"))
    answers = len(mm.MMR_MODULES) + len(mm.MMS_MODULES)
    frames = len(polar.REAL) + 2  # the long one and the one of floats
    assert {name: row["real"] for name, row in ROWS.items()} == {
        "kneeflex": "3, our own page",
        "movella-dot": f"{len(sync.REAL)} messages",
        "metamotion": f"{len(mm.REAL_ACC) + len(mm.REAL_GYR)} and {answers} answers",
        "movesense": "1",
        "polar-verity-sense": str(frames),
        "thingy52": "none public",
        "witmotion": "1, values unpublished",
    }
    assert ROWS["movella-dot"]["round_trip"] == "yes"
    assert ROWS["movesense"]["round_trip"] == "yes"
    assert ROWS["polar-verity-sense"]["round_trip"] == f"yes, {len(ENCODINGS)} frame types"


def test_the_example_driver_works():
    page = PAGES / "how-to" / "add-a-sensor.md"
    (code,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    namespace = {}
    exec(compile(code, page.name, "exec"), namespace)
    driver = namespace["Yours"]()
    assert driver.recognises(Advertisement("YOURS-1"))
    assert driver.start(100.0)[0].payload == b"\x01"
    decoder = driver.decoder({}, 100.0)
    decoded = decoder.decode(namespace["DATA"], np.array([0, 0, 9.81, 0.1, 0.2, 0.3], "<f4").tobytes())
    np.testing.assert_allclose(np.r_[decoded.acc_m_s2[0], decoded.gyr_rad_s[0]], [0, 0, 9.81, 0.1, 0.2, 0.3])
    with pytest.raises(DecodeError):
        decoder.decode(namespace["DATA"], b"short")


@pytest.mark.parametrize("words", ["lost about", "refused to start", "hold no frames"])
def test_the_messages_in_the_help_table_exist(words):
    drivers = Path(kneeflex.__file__).parent
    assert any(words in path.read_text(encoding="utf-8") for path in drivers.glob("*.py"))
    assert words in PAGE
