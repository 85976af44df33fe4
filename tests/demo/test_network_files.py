"""The demo's stores, plants, people and codes are those of DOMAIN section 7, and nobody in them is real."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from kernel.actor import Role
from tests.demo.plain_files import BOREALIS, QILAN, read_rows

NETWORK = QILAN / "network"
STORES_BY_CITY = {
    "Shanghai": 4,
    **dict.fromkeys(("Beijing", "Guangzhou", "Shenzhen"), 3),
    **dict.fromkeys(("Tianjin", "Shenyang", "Hangzhou", "Nanjing", "Suzhou", "Wuhan", "Chengdu"), 2),
    **dict.fromkeys(("Shijiazhuang", "Taiyuan", "Dalian", "Harbin", "Hefei", "Ningbo", "Jinan", "Qingdao"), 1),
    **dict.fromkeys(("Foshan", "Xiamen", "Changsha", "Zhengzhou", "Nanchang", "Chongqing", "Xi'an"), 1),
}
QUOTA_CITIES = {"Beijing", "Shanghai", "Guangzhou", "Shenzhen", "Tianjin", "Hangzhou"}
BRANDS = pytest.mark.parametrize("brand", [QILAN, BOREALIS], ids=["qilan", "borealis"])


def test_42_stores_stand_in_the_promised_cities_and_six_regions() -> None:
    stores = read_rows(NETWORK / "stores.csv")

    assert Counter(row["city_en"] for row in stores) == Counter(STORES_BY_CITY)
    assert len({row["store"] for row in stores}) == 42
    assert {row["region"] for row in stores} == {row["region"] for row in read_rows(NETWORK / "regions.csv")}
    assert len({row["region"] for row in stores}) == 6


def test_cities_that_ration_plates_are_flagged() -> None:
    flagged = {row["city_en"] for row in read_rows(NETWORK / "stores.csv") if row["plate_quota"] == "1"}

    assert flagged == QUOTA_CITIES


def test_the_plants_have_the_promised_capacity() -> None:
    plants = read_rows(NETWORK / "plants.csv")

    assert {row["plant"]: int(row["weekly_capacity"]) for row in plants} == {"changzhou": 900, "xiangyang": 260}


@BRANDS
def test_every_store_and_plant_is_on_the_map_of_china(brand: Path) -> None:
    for row in read_rows(brand / "network" / "stores.csv") + read_rows(brand / "network" / "plants.csv"):
        assert 18 < float(row["latitude"]) < 54, row
        assert 73 < float(row["longitude"]) < 135, row
        assert row["zh"]
        assert row["en"].isascii()


def test_the_brands_have_codes_a_vin_may_begin_with_and_share_none() -> None:
    heads = [tomllib.loads((brand / "network" / "brand.toml").read_text("utf-8")) for brand in (QILAN, BOREALIS)]

    assert [head["code"] for head in heads] == ["qilan", "borealis"]
    assert len({head["wmi"] for head in heads}) == 2
    assert all(re.fullmatch(r"L0[A-HJ-NPR-Z]", head["wmi"]) for head in heads)


@BRANDS
def test_everybody_has_a_reserved_address_a_known_role_and_a_place_that_exists(brand: Path) -> None:
    people = tomllib.loads((brand / "people.toml").read_text("utf-8"))
    stores = {row["store"] for row in read_rows(brand / "network" / "stores.csv")}
    plants = {row["plant"] for row in read_rows(brand / "network" / "plants.csv")}

    addresses = [one["email"] for one in people["consumers"] + people["staff"]]
    assert len(set(addresses)) == len(addresses)
    assert all(address.endswith(".test") for address in addresses)
    assert {one["role"] for one in people["staff"] + people["machines"]} <= set(Role)
    assert {one["store"] for one in people["consumers"] + people["staff"] if "store" in one} <= stores
    assert {one["plant"] for one in people["machines"] if "plant" in one} == plants


@BRANDS
def test_id_numbers_have_the_right_form_and_an_area_that_exists_nowhere(brand: Path) -> None:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    people = tomllib.loads((brand / "people.toml").read_text("utf-8"))

    for one in people["consumers"]:
        number = one["id_number"]
        assert re.fullmatch(r"990101(19|20)\d{9}[\dX]", number)
        check = sum(int(digit) * weight for digit, weight in zip(number[:17], weights, strict=True)) % 11
        assert number[17] == "10X98765432"[check]


def test_the_demo_has_the_staff_that_its_journeys_need() -> None:
    people = tomllib.loads((QILAN / "people.toml").read_text("utf-8"))

    assert len(people["consumers"]) == 8
    assert Counter(one["role"] for one in people["staff"]) == {
        "brand_admin": 1, "planner": 1, "dealer": 4, "auditor": 1, "operator": 2,
    }  # fmt: skip


def test_the_invented_names_are_enough_for_every_voter() -> None:
    parts = Counter(row["part"] for row in read_rows(NETWORK / "names.csv"))

    assert parts["surname"] * parts["given_first"] * parts["given_second"] >= 9_400
