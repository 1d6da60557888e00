"""The timeline of a report."""

from vidlib.localization import Localization
from vidlib.plots import report, style

SHOTS = [((0.0, 2.0), "start"), ((2.0, 5.0), "cut"), ((5.0, 8.0), "fade")]
SPEAKER = report.Row("SPEAKER_00", "#4477aa", speaking=[(0.5, 1.5), (6.0, 7.0)])
PERSON = report.Row("Person 1", "#4477aa", speaking=[(0.5, 1.5)], seen=[(0.0, 2.0)])


def texts(figure) -> list[str]:
    (axes,) = figure.axes
    return [text.get_text() for text in axes.texts]


def labels(figure) -> list[str]:
    (axes,) = figure.axes
    return [label.get_text() for label in axes.get_yticklabels()]


def test_shots_speakers_and_people_share_one_time_axis_in_seconds():
    figure = report.timeline(SHOTS, [SPEAKER], [PERSON], duration_s=8)
    (axes,) = figure.axes
    assert axes.get_xlim() == (0, 8)
    assert axes.get_xlabel() == "time (m:ss)"
    assert texts(figure) == ["SHOTS  3", "SPEAKERS  1", "PEOPLE  1"]
    assert labels(figure) == ["SPEAKER_00", "Person 1"]


def test_shots_have_the_colour_of_their_boundary():
    figure = report.timeline(SHOTS, [], [], duration_s=8)
    shots = figure.axes[0].collections[0]
    from matplotlib.colors import to_hex

    assert [to_hex(color) for color in shots.get_facecolors()] == [style.BOUNDARIES[name] for _, name in SHOTS]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["start", "cut", "fade"]


def test_a_person_is_pale_where_he_or_she_is_silent():
    figure = report.timeline(SHOTS, [], [PERSON], duration_s=8)
    drawn = {
        bars.get_alpha(): bars.get_paths()[0].get_extents().intervalx.tolist()
        for bars in figure.axes[0].collections[2:]
    }
    assert drawn == {report.PALE: [0, 2], 1: [0.5, 1.5]}


def test_an_unknown_group_differs_from_an_empty_one():
    assert texts(report.timeline(None, [], None, duration_s=8)) == [
        "SHOTS  unknown",
        "SPEAKERS  none",
        "PEOPLE  unknown",
    ]


def test_of_many_people_the_first_are_drawn_and_all_are_counted():
    figure = report.timeline(SHOTS, [], [PERSON] * 400, duration_s=8)
    assert figure.get_figheight() < 12
    assert labels(figure) == ["Person 1"] * report.MOST_ROWS
    assert texts(figure)[-1] == f"PEOPLE  {report.MOST_ROWS} of 400"


def test_the_texts_of_the_figure_can_be_translated():
    figure = report.timeline(SHOTS, [], None, duration_s=8, words=Localization("fr").gettext)
    assert texts(figure) == ["PLANS  3", "LOCUTEURS  aucun", "PERSONNES  inconnu"]
    assert figure.axes[0].get_xlabel() == "temps (m:ss)"


def test_a_dark_page_gets_other_colours_of_text_and_paper():
    text = report.svg(report.timeline(SHOTS, [SPEAKER], [PERSON], duration_s=8)).decode()
    style_sheet, drawing = text.split("</style>", 1)
    assert "prefers-color-scheme:dark" in style_sheet
    assert not [color for color in report.DARK if color in drawing]
    assert SPEAKER.color in drawing


def test_the_same_timeline_is_the_same_svg():
    first, second = (report.svg(report.timeline(SHOTS, [SPEAKER], [PERSON], duration_s=8)) for _ in range(2))
    assert first == second
    assert b"<text" not in first
