"""A brand's folder becomes rows once; a broken file is named by file and line and leaves nothing behind."""

import shutil
from pathlib import Path

import pytest

from kernel import registry
from kernel.actor import system
from kernel.errors import InvalidInput
from kernel.ids import BrandId
from kernel.work import Works
from muster.brands import BrandFolder, add_brand_from_folder

DEMO = Path(__file__).parents[2] / "muster" / "demo"
NOBODY = system(BrandId("platform"))


def test_a_brand_is_read_with_its_stores_and_plants(works: Works) -> None:
    with works.change(NOBODY) as work:
        brand = add_brand_from_folder(work, BrandFolder(DEMO / "qilan"))

    with works.read(system(brand.id)) as work:
        assert registry.own_brand(work) == brand
        assert [plant.weekly_capacity for plant in registry.list_plants(work)] == [900, 260]
        assert len(registry.list_stores(work)) == 42
        assert len(registry.list_regions(work)) == 6


def test_reading_it_again_adds_nothing(works: Works) -> None:
    with works.change(NOBODY) as work:
        first = add_brand_from_folder(work, BrandFolder(DEMO / "borealis"))

    with works.change(NOBODY) as work:
        second = add_brand_from_folder(work, BrandFolder(DEMO / "borealis"))

    assert second == first
    with works.read(system(first.id)) as work:
        assert len(registry.list_stores(work)) == 2


def test_two_brands_do_not_see_each_other(works: Works) -> None:
    with works.change(NOBODY) as work:
        qilan = add_brand_from_folder(work, BrandFolder(DEMO / "qilan"))
        borealis = add_brand_from_folder(work, BrandFolder(DEMO / "borealis"))

    with works.read(system(borealis.id)) as work:
        foreign = registry.list_stores(work.acting(system(qilan.id)))
        assert registry.stores_by_id(work, [store.id for store in foreign]) == {}


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("brand.toml", "Asia/Shanghai", "Mars/One", "brand.toml:6: timezone = 'Mars/One'"),
        ("brand.toml", "Asia/Shanghai", "Asia", "brand.toml:6: timezone = 'Asia'"),
        ("brand.toml", "Asia/Shanghai", "/etc/hosts", "brand.toml:6: timezone"),
        ("brand.toml", '"CN"', '"DE"', "brand.toml:7: calendar = 'DE'"),
        ("brand.toml", "CNY", "EUR", "brand.toml:8: currency = 'EUR'"),
        ("brand.toml", "L0R", "X", "brand.toml:5: wmi = 'X'"),
        ("brand.toml", "L0R", "LOR", "brand.toml:5: wmi = 'LOR'"),
        ("brand.toml", '"borealis"', '"Bore alis"', "brand.toml:2: code = 'Bore alis'"),
        ("stores.csv", ",east,", ",mars,", "stores.csv:2: region 'mars' is not in regions.csv"),
        ("stores.csv", "chengdu-jinjiang", "shanghai-jingan", "stores.csv:3: store shanghai-jingan stands in line 2"),
        ("plants.csv", "weekly_capacity", "capacity", "plants.csv:1: has no column weekly_capacity"),
        ("plants.csv", ",80", ",0", "plants.csv:2: weekly_capacity = '0'"),
        ("plants.csv", "30.69", "nan", "plants.csv:2: latitude = 'nan'"),
        ("stores.csv", "chengdu-jinjiang", "x" * 41, "stores.csv:3: store = 'xx"),
        ("stores.csv", "chengdu-jinjiang", "", "stores.csv:3: store = ''"),
        ("stores.csv", "chengdu-jinjiang", "cheng du", "stores.csv:3: store = 'cheng du'"),
        ("regions.csv", "east", "e" * 41, "regions.csv:2: region = 'ee"),
        ("stores.csv", "chengdu-jinjiang", "c" * 140_000, "stores.csv"),
    ],
)
def test_what_would_break_later_is_refused_when_the_brand_is_added(
    works: Works, tmp_path: Path, file: str, old: str, new: str, says: str
) -> None:
    shutil.copytree(DEMO / "borealis" / "network", tmp_path / "network")
    path = tmp_path / "network" / file
    path.write_text(path.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")

    with pytest.raises(InvalidInput) as caught, works.change(NOBODY) as work:
        add_brand_from_folder(work, BrandFolder(tmp_path))

    assert says in str(caught.value)
    assert len(str(caught.value)) < 500
    with works.read(NOBODY) as work:
        assert registry.all_brands(work) == []


@pytest.mark.parametrize(("file", "key"), [("regions.csv", "region"), ("plants.csv", "plant"), ("stores.csv", "store")])
def test_a_brand_without_any_place_is_refused(works: Works, tmp_path: Path, file: str, key: str) -> None:
    shutil.copytree(DEMO / "borealis" / "network", tmp_path / "network")
    path = tmp_path / "network" / file
    path.write_text(path.read_text(encoding="utf-8").splitlines()[0] + "\n", encoding="utf-8")

    with pytest.raises(InvalidInput) as caught, works.change(NOBODY) as work:
        add_brand_from_folder(work, BrandFolder(tmp_path))

    assert f"{file}: has no {key}" in str(caught.value)
    with works.read(NOBODY) as work:
        assert registry.all_brands(work) == []


def test_two_brands_never_share_the_beginning_of_their_vins(works: Works, tmp_path: Path) -> None:
    with works.change(NOBODY) as work:
        borealis = add_brand_from_folder(work, BrandFolder(DEMO / "borealis"))
    shutil.copytree(DEMO / "borealis" / "network", tmp_path / "network")
    path = tmp_path / "network" / "brand.toml"
    path.write_text(path.read_text(encoding="utf-8").replace('"borealis"', '"pine"'), encoding="utf-8")

    with pytest.raises(InvalidInput, match="brand borealis has it"), works.change(NOBODY) as work:
        add_brand_from_folder(work, BrandFolder(tmp_path))

    with works.read(NOBODY) as work:
        assert registry.all_brands(work) == [borealis]


@pytest.mark.parametrize(
    ("file", "line", "broken", "says"),
    [
        ("stores.csv", 3, "a,b,c", "stores.csv:3"),
        ("plants.csv", 2, "changzhou,x,y,c,c,north,119.97,900", "plants.csv:2"),
        ("brand.toml", 1, "code = qilan", "brand.toml"),
    ],
)
def test_a_broken_file_is_named_and_leaves_nothing(
    works: Works, tmp_path: Path, file: str, line: int, broken: str, says: str
) -> None:
    shutil.copytree(DEMO / "qilan" / "network", tmp_path / "network")
    path = tmp_path / "network" / file
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[line - 1] = broken
    path.write_text("\n".join(lines), encoding="utf-8")

    with pytest.raises(InvalidInput, match=says), works.change(NOBODY) as work:
        add_brand_from_folder(work, BrandFolder(tmp_path))

    with works.read(NOBODY) as work:
        assert registry.all_brands(work) == []
