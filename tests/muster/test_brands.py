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
