"""The filters that bring any picture to the editors' format."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from vidlib.media.probe import VideoInfo
from vidlib.media.scan import Scan, is_combed, is_transparent
from vidlib.timeline import FPS

HDR_PEAK_NITS = 100  # luminance of SDR white, ITU-R BT.2035

Deinterlacing = str
"""Frames that are deinterlaced, in the words of FFmpeg's bwdif: ``interlaced`` (flagged ones), ``all``; "": none."""

Shapes = Sequence[tuple[int, Fraction]]

MOST_SHAPES = 1000
"""Changes of the sample aspect ratio that an argument of FFmpeg can hold."""


@dataclass(frozen=True)
class PicturePlan:
    """How the picture is converted.

    ``canvas`` is (width, height) of the result, even. ``fit`` tells that frames of several formats are fitted into it.
    ``shapes`` holds the sample aspect ratios, each with the number (from 0) of the first frame that has it.
    ``transparent`` tells that some pixels can be seen through. The time stamps are ``delay_s`` too late.
    ``ends_short`` tells that rounding could drop the last frame.
    """

    canvas: tuple[int, int]
    fit: bool = False
    shapes: Shapes = ()
    deinterlace: Deinterlacing = ""
    transparent: bool = False
    delay_s: float = 0.0
    ends_short: bool = False


def plan_picture(info: VideoInfo, scan: Scan) -> PicturePlan:
    """Decide from the formats of all frames."""
    main = scan.main_format
    fit = not scan.is_uniform
    width, height = info.display_size
    if fit and main:
        width, height = reversed(main.display_size) if info.rotation % 180 else main.display_size
    deinterlace = "interlaced" if scan.interlaced else ""
    if info.interlaced and not scan.interlaced and scan.frames and is_combed(info) is not False:
        deinterlace = "all"
    transparent = info.has_alpha and bool(scan.frames) and is_transparent(info)
    canvas = (width - width % 2, height - height % 2)
    shapes = _shapes(scan) if fit else ()
    return PicturePlan(canvas, fit, shapes, deinterlace, transparent, scan.delay_s, scan.ends_short)


def _shapes(scan: Scan) -> Shapes:
    """The sample aspect ratios of all frames, as in `PicturePlan`."""
    shapes: list[tuple[int, Fraction]] = []
    first = 0
    for stretch in scan.picture:
        if not shapes or shapes[-1][1] != stretch.format.sar:
            shapes.append((first, stretch.format.sar))
        first += stretch.frames
    return shapes


def picture_filters(info: VideoInfo, plan: PicturePlan, shift_s: float = 0.0) -> str:
    """Progressive, square pixels, even size, 8 bit, one frame every 1/25 s from 0 s, ``shift_s`` earlier.

    FFmpeg turns the picture upright, unless ``plan.fit``.
    """
    filters = _fitted(info, plan) if plan.fit else []
    if plan.deinterlace:
        # frames that do not say so themselves count as top field first in FFmpeg
        parity = ":parity=bff" if plan.deinterlace == "all" and info.bottom_first else ""
        filters.append(f"bwdif=mode=send_frame:deint={plan.deinterlace}{parity}")
    if plan.delay_s:
        filters.append(f"setpts='PTS-round({plan.delay_s:.6f}/TB)'")
    # if the picture begins less than a frame after the sound, its first frame must not be repeated
    filters.append(f"setpts='if(lt(STARTT,{float(1 / FPS)}),PTS-STARTPTS,PTS-round({shift_s:.6f}/TB))'")
    filters.append(f"fps={FPS}:start_time=0{':eof_action=pass' if plan.ends_short else ''}")
    if plan.transparent:
        planar = ["format=gbrap"] if info.pix_fmt.startswith(("pal8", "ya")) else []
        filters += [*planar, "premultiply=inplace=1"]
    if plan.fit:
        filters += _upright(info)
    else:
        filters += _square(info, plan)
    return ",".join([*filters, *_standard_colour(info), "format=yuv420p"])


def _fitted(info: VideoInfo, plan: PicturePlan) -> list[str]:
    """Fit frames of any size and shape into the canvas; black bars fill the rest.

    Only ``scale`` and ``pad`` accept frames that change. Fields stay apart, so bars begin at a multiple of four lines.
    """
    width, height = plan.canvas
    if info.rotation % 180:
        width, height = height, width
    dar = display_aspect(plan.shapes)
    size = f"w='max(2,round(min({width},{height}*{dar})/2)*2)':h='max(2,round(min({height},{width}/{dar})/2)*2)'"
    colour = "" if info.is_hdr or info.is_rgb else ":out_range=tv"
    pad = f"pad=w={width}:h={height}:x='trunc((ow-iw)/4)*2':y='trunc((oh-ih)/8)*4':eval=frame"
    return [f"scale={size}:eval=frame:interl=-1:flags=bicubic{colour}", pad, "setsar=1"]


def display_aspect(shapes: Shapes) -> str:
    """The display aspect ratio of a frame, in the words of FFmpeg's scale.

    FFmpeg 7 and newer give every frame the sample aspect ratio of the first one, so the numbers of the frames decide.

    >>> display_aspect([(0, Fraction(1))]), display_aspect([(0, Fraction(1)), (50, Fraction(16, 11))])
    ('dar', '(iw/ih*if(lt(n,50),1/1,16/11))')
    """

    def at_frame(shapes: Shapes) -> str:  # a search tree, because FFmpeg's parser limits the depth of a sum
        if len(shapes) == 1:
            return f"{shapes[0][1].numerator}/{shapes[0][1].denominator}"
        middle = len(shapes) // 2
        return f"if(lt(n,{shapes[middle][0]}),{at_frame(shapes[:middle])},{at_frame(shapes[middle:])})"

    return f"(iw/ih*{at_frame(shapes)})" if 1 < len(shapes) <= MOST_SHAPES else "dar"


def _upright(info: VideoInfo) -> list[str]:
    """Turn, and mirror, as the display matrix states."""
    turns = {0: [], 90: ["transpose=clock"], 180: ["hflip", "vflip"], 270: ["transpose=cclock"]}
    return (["vflip"] if info.mirrored else []) + turns[info.rotation]


def _square(info: VideoInfo, plan: PicturePlan) -> list[str]:
    width, height = info.display_size
    filters = [f"scale={width}:{height}:flags=bicubic", "setsar=1"] if info.sar != 1 else []
    return filters + ([f"crop={plan.canvas[0]}:{plan.canvas[1]}:0:0"] if plan.canvas != (width, height) else [])


def _standard_colour(info: VideoInfo) -> list[str]:
    """Limited range, and BT.709 for RGB pictures and those with a high dynamic range."""
    if info.is_hdr:
        source = f"transferin={info.transfer}:primariesin=bt2020:matrixin=bt2020nc"
        linear = [f"zscale=npl={HDR_PEAK_NITS}:{source}:transfer=linear", "format=gbrpf32le"]
        mapped = ["zscale=primaries=bt709", "tonemap=hable:desat=0"]
        return [*linear, *mapped, "zscale=transfer=bt709:matrix=bt709:range=limited"]
    if info.is_rgb:
        bt709 = "setparams=color_primaries=bt709:color_trc=bt709:colorspace=bt709"
        return ["scale=out_color_matrix=bt709:out_range=tv", bt709]
    return ["scale=out_range=tv"]
