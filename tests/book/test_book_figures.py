"""A notebook's SVG becomes part of its page, and takes the page's ink."""

import io
import re
import xml.etree.ElementTree as ET

import book_figures
import matplotlib as mpl
import nbformat
import pytest
from checks import inlined
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

mpl.use("Agg")
from pnn.report.plots import canvas

ALT = 'Two marks & a "line"'


def svg() -> str:
    with canvas.new_figure(1, 1, 2.0) as (figure, axis):
        axis.plot([0, 1], [0, 1], "-D", color="#c87800")
        axis.plot([0, 1], [1, 0.123456], color="0.7", clip_on=True)
        axis.text(0.5, 0.5, "xyzzy 0.12345 < 1", bbox={"facecolor": "white"})
    return figure._repr_svg_()


def drawn(prefix: str = "figure1-") -> ET.Element:
    return ET.fromstring(book_figures.inline(svg(), ALT, prefix))


def test_a_figure_has_a_role_a_name_and_no_size_of_its_own():
    root = drawn()
    assert root.attrib == {"class": "figure", "role": "img", "aria-label": ALT, "viewBox": root.get("viewBox")}
    assert [float(part) for part in root.get("viewBox").split()] == [0, 0, 360, 144]


def test_ink_and_paper_are_the_pages_and_colours_stay():
    text = book_figures.inline(svg(), ALT, "")
    colours = set(re.findall(r"(?:fill|stroke): ([^;\"]+)", text))
    paper = "var(--pst-color-background)"
    assert colours == {"none", "currentColor", "#c87800", paper, f"color-mix(in srgb, currentColor 30%, {paper})"}
    assert "background" not in text.replace(paper, "")
    assert "<style" not in text  # It would hold for the whole page.


def test_text_is_whole_and_in_the_font_of_the_page():
    texts = {"".join(element.itertext()).strip(): element for element in drawn().iter("text")}
    assert "xyzzy 0.12345 < 1" in texts
    style = texts["xyzzy 0.12345 < 1"].get("style")
    assert "font-size: 10px" in style
    assert not re.search(r"font:|font-family|sans", style)


def test_the_ids_of_two_figures_of_a_page_differ_and_every_reference_has_its_own():
    first, second = drawn("figure1-"), drawn("figure2-")
    ids = [{element.get("id") for element in root.iter() if element.get("id")} for root in (first, second)]
    assert ids[0]
    assert not ids[0] & ids[1]
    text = ET.tostring(first, encoding="unicode")
    assert set(re.findall(r'(?:url\(#|href="#)([^)"]+)', text)) == ids[0]


@pytest.mark.parametrize(("grey", "colour"), [(0, "currentColor"), (255, "var(--pst-color-background)")])
def test_black_is_ink_and_white_is_paper(grey, colour):
    assert book_figures.ink(grey) == colour


def notebook(alt: str) -> nbformat.NotebookNode:
    """A page with two figures, one of them in a frame with a caption, and the other kept for other pages."""
    data = {"image/svg+xml": svg(), "text/plain": "<Figure size 600x240 with 1 Axes>"}
    shown = nbformat.v4.new_output("execute_result", data, execution_count=1)
    kept = nbformat.v4.new_output("display_data", data, metadata={"scrapbook": {"name": "kept", "mime_prefix": ""}})
    image = {"image": {"alt": alt}} if alt else {}
    cells = [
        nbformat.v4.new_markdown_cell("# Page"),
        nbformat.v4.new_code_cell(
            "1", outputs=[shown], metadata={"mystnb": {"figure": {"caption": "A caption.", "name": "fig-a"}} | image}
        ),
        nbformat.v4.new_code_cell("2", outputs=[kept], metadata={"mystnb": image}),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def build(folder, alt: str) -> tuple[dict[str, str], str]:
    """The pages of a book of a notebook and of a title page that shows its figure, and what was warned of."""
    source = folder / "source"
    source.mkdir()
    (source / "conf.py").write_text(
        'extensions = ["myst_nb", "book_figures"]\nnb_execution_mode = "off"\nnumfig = True\n'
        'source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}\n',  # Sphinx remembers those of other books.
        encoding="utf-8",
    )
    (source / "index.md").write_text(
        "# Title\n\n```{glue:} kept\n:doc: page.ipynb\n```\n\n```{toctree}\npage\n```\n", encoding="utf-8"
    )
    nbformat.write(notebook(alt), source / "page.ipynb")
    warnings = io.StringIO()
    with patch_docutils(), docutils_namespace():
        app = Sphinx(source, source, folder / "html", folder / "doctrees", "html", status=None, warning=warnings)
        app.build()
    return {name: (folder / f"html/{name}.html").read_text(encoding="utf-8") for name in ("index", "page")}, (
        warnings.getvalue()
    )


@pytest.mark.filterwarnings("default")  # Sphinx and its extensions warn of what they themselves use.
def test_figures_are_in_their_page_and_in_the_page_that_they_are_glued_to(tmp_path):
    pages, warnings = build(tmp_path, ALT)
    assert not warnings
    name = 'aria-label="Two marks &amp; a &quot;line&quot;"'
    assert (pages["page"].count(name), pages["index"].count(name)) == (2, 1)
    assert len(re.findall(r'<figure [^>]*id="fig-a"[^>]*>\s*<svg class="figure"', pages["page"])) == 1
    assert "Fig. 1" in pages["page"]
    assert "A caption." in pages["page"]
    for page in pages.values():
        assert "Figure size" not in page
        assert not re.search(r"<img [^>]*\.svg", page)
    assert not list(tmp_path.glob("html/_images/*.svg"))
    assert inlined.problems(tmp_path / "html") == []
    assert "xyzzy" not in (tmp_path / "html/searchindex.js").read_text(encoding="utf-8")  # Nobody searches for a tick.


@pytest.mark.filterwarnings("default")
def test_a_figure_without_an_alternative_text_is_warned_of(tmp_path):
    _, warnings = build(tmp_path, "")
    assert warnings.count("a figure without an alternative text: its cell needs mystnb.image.alt") == 3
    assert len(inlined.problems(tmp_path / "html")) == 3


def test_a_figure_outside_of_its_page_is_found(tmp_path):
    (tmp_path / "page.html").write_text(f'<img alt="a" src="../_images/{64 * "a"}.png" />', encoding="utf-8")
    assert len(inlined.problems(tmp_path)) == 1
