"""Choices: what may stand in a field, one JSON form that is strict, and unions that can be extended."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import ClassVar, Literal

import pytest

from pnn.system.choice import RunError, added, check_at_least, check_types, from_plain, to_plain


@dataclass(frozen=True)
class Circle:
    radius: float
    name: ClassVar[str] = "circle"

    def __post_init__(self) -> None:
        check_types(self)
        check_at_least(self, 0, "radius")


@dataclass(frozen=True)
class Point:
    name: ClassVar[str] = "point"


@dataclass(frozen=True)
class Square:
    side: int = 1
    tilt: float | None = added(None)
    name: ClassVar[str] = "square"

    def __post_init__(self) -> None:
        check_types(self)


shapes = SimpleNamespace(Shape=Circle | Point)  # a module whose union a test extends


@dataclass(frozen=True)
class Drawing:
    shape: "shapes.Shape"
    more: "tuple[shapes.Shape, ...]" = added(())
    ink: Literal["black", 2] = "black"

    def __post_init__(self) -> None:
        check_types(self)


@pytest.mark.parametrize(
    ("drawing", "form"),
    [
        (Drawing(Point()), {"shape": "point", "ink": "black"}),
        (Drawing(Circle(2), ink=2), {"shape": {"name": "circle", "radius": 2.0}, "ink": 2}),
        (
            Drawing(Point(), (Circle(0.5), Point())),
            {"shape": "point", "more": [{"name": "circle", "radius": 0.5}, "point"], "ink": "black"},
        ),
    ],
)
def test_the_form_is_the_name_and_the_fields_or_the_bare_name_and_comes_back(drawing, form):
    assert to_plain(drawing) == form
    assert from_plain(Drawing, form, "drawing") == drawing
    assert hash(from_plain(Drawing, form, "drawing")) == hash(drawing)


def test_a_choice_may_be_written_with_its_name_alone_if_every_field_has_a_default():
    assert (
        from_plain(Square | Point, "square", "it") == from_plain(Square | Point, {"name": "square"}, "it") == Square()
    )
    assert to_plain(Square()) == {
        "name": "square",
        "side": 1,
    }  # a field that was there from the first is always written
    assert to_plain(Square(2, 0.5)) == {"name": "square", "side": 2, "tilt": 0.5}
    assert from_plain(Square | Point, {"name": "square", "tilt": 1}, "it").tilt == 1.0


@pytest.mark.parametrize(
    ("form", "message"),
    [
        (
            {"shape": "circel"},
            r"drawing\.shape must be one of 'circle', 'point', got 'circel' \(did you mean 'circle'\?\)",
        ),
        ({"shape": 3}, r"drawing\.shape must be a name or an object with a name, one of 'circle', 'point'; got 3"),
        ({"shape": {"name": ["circle"]}}, r"drawing\.shape must be a name or an object with a name"),
        ({"shape": {"radius": 1}}, r"drawing\.shape must be a name or an object with a name"),
        (
            {"shape": {"name": "circle", "raduis": 1}},
            r"shape has no field 'raduis' \(did you mean 'radius'\?\).* radius",
        ),
        ({"shape": "circle"}, r"drawing\.shape: .*missing.*'radius'"),
        ({"shape": {"name": "circle", "radius": "1"}}, r"Circle\.radius must be of type float, got '1'"),
        ({"shape": {"name": "circle", "radius": -1}}, r"Circle\.radius must be at least 0, got -1\.0"),
        ({"shape": "point", "more": "point"}, r"drawing\.more must be a list, got 'point'"),
        ({"shape": "point", "more": ["point", "line"]}, r"drawing\.more\[1\] must be one of .*, got 'line'"),
        (
            {"shape": "point", "ink": "blak"},
            r"Drawing\.ink must be one of 'black', 2, got 'blak' \(did you mean 'black'\?\)",
        ),
        ({"shape": "point", "ink": 2.0}, r"Drawing\.ink must be one of"),
        ({"ink": 2}, r"drawing: .*missing.*'shape'"),
        ([], r"drawing must be an object, got \[\]"),
    ],
)
def test_a_wrong_form_names_the_field_what_is_allowed_and_the_nearest_match(form, message):
    with pytest.raises(RunError, match=message):
        from_plain(Drawing, form, "drawing")


@pytest.mark.parametrize("wrong", ["point", None, Point, Square(), (Point(),)])
def test_a_field_takes_members_of_its_union_alone(wrong):
    with pytest.raises(RunError, match=r"Drawing\.shape must be of type Circle or Point, got "):
        Drawing(wrong)
    if wrong != (Point(),):
        with pytest.raises(RunError, match=r"Drawing\.more must be of type .*got "):
            Drawing(Point(), wrong)


def test_a_union_can_be_extended_from_outside(monkeypatch):
    with pytest.raises(RunError, match="one of 'circle', 'point', got 'square'"):
        from_plain(Drawing, {"shape": "square"}, "drawing")
    monkeypatch.setattr(shapes, "Shape", shapes.Shape | Square)
    assert from_plain(Drawing, {"shape": "square"}, "drawing") == Drawing(Square())


@pytest.mark.parametrize("value", [float("nan"), float("-inf"), 10**400])
def test_a_number_must_be_finite(value):
    with pytest.raises(RunError, match=r"Circle\.radius must be finite"):
        Circle(value)
