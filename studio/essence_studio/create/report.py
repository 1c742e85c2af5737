"""A page about a finished avatar: what came out, held-out pictures beside the film, what to mind."""
from __future__ import annotations

import base64
import html
import io
from pathlib import Path

import numpy as np
from PIL import Image

from ..identity import train
from ..identity.network import Identity
from . import base
from .packing import Origin
from .prepare import Prepared
from .verdict import Verdict

SHOWN = 10
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "img{max-width:100%}td,th{padding:.2rem 1rem .2rem 0;text-align:left}"
)


def write(
    path: Path, avatar: Path, prepared: Prepared, net: Identity, loop: base.Loop, filmed: list[np.ndarray], rested: list[np.ndarray],
    warnings: list[str], facts: dict, origin: Origin, minutes: float, judgement: Verdict | None = None,
) -> None:  # fmt: skip
    """Writes the page, pictures inside."""
    quality = facts.get("held_out")
    footage = f"{facts['seconds_of_footage']} s of footage, " if "seconds_of_footage" in facts else ""
    rows = [("File", f"{avatar.stat().st_size / 1e6:.1f} MB"), ("Source", origin.source), ("Licence", origin.license)]
    if quality:
        rows += [
            ("Learned from", f"{footage}{facts['samples']} pictures, {quality['samples']} held out"),
            ("Patch", f"{prepared.patch.size} × {prepared.patch.size}, {facts['multiply_adds'] / 1e6:.0f} million multiply-adds"),
            ("Held out: PSNR in the mouth box", f"{quality['psnr_db']} dB (worst picture {quality['psnr_worst_db']} dB)"),
            ("Held out: SSIM", f"{quality['ssim']}"),
            ("Held out: sharpness", f"{quality['sharpness']} of the film's"),
        ]
    else:
        rows.append(("Learned from", f"{footage}in which nobody speaks: teeth and tongue are painted"))
    if quality and "lip_distance" in quality:
        rows.append(("Held out: distance of the lips' landmarks", f"{100 * quality['lip_distance']:.2f} % of the eyes' distance"))
        rows.append(("Held out: gradient in the patch's edge", f"{quality['edge']} of the film's"))
    rows.append(("Base loop", f"{loop.count} pictures, {'closes on itself' if loop.kind == 'cycle' else 'back and forth'}"))
    rows.append(("Made in", f"{minutes:.1f} minutes"))
    if "sound" in facts:
        rows.append(("Sound", f"{facts['sound']['late_pictures']} pictures late against the lips, r = {facts['sound']['r']}; put right"))
    if "follows_speech" in facts:
        rows.append(("Lips against the footage's own sound", ", ".join(f"{k} {v}" for k, v in facts["follows_speech"].items())))
    table = "".join(f"<tr><th>{html.escape(k)}</th><td>{html.escape(v)}</td></tr>" for k, v in rows)
    notes = "".join(f"<li>{html.escape(text)}</li>" for text in warnings) or "<li>none</li>"
    middle = len(filmed) // 2
    taught = ""
    if quality:
        taught = "<h2>Pictures that training never saw</h2><p>Above as filmed, below as drawn from mouth and head pose alone.</p>" + picture(held_out(prepared, net), 2)
    page = (
        f"<!doctype html><meta charset=utf-8><title>{html.escape(origin.name)}</title><style>{STYLE}</style><h1>{html.escape(origin.name)}</h1>{judged(judgement)}"
        f"<table>{table}</table><h2>Warnings</h2><ul>{notes}</ul>"
        f"{taught}"
        f"<h2>Base loop</h2><p>First, middle and last picture; above as filmed, below with the mouth at rest.</p>"
        f"{picture(np.concatenate([np.concatenate([f[0], f[middle], f[-1]], 1) for f in (filmed, rested)]))}"
        f"<p>Rendered videos say in their metadata that they are synthetic. An avatar is its person's own.</p>"
    )
    path.write_text(page)


def judged(judgement: Verdict | None) -> str:
    """The verdict, its sentences and figures."""
    if judgement is None:
        return ""
    reasons = "".join(f"<li>{html.escape(reason)}</li>" for reason in judgement.reasons)
    figures = ", ".join(f"{name} {value:g}" for name, value in judgement.figures.items())
    return f"<h2>Verdict: {judgement.grade}</h2><p>Measured on what the engine shows when the avatar speaks.</p><ul>{reasons}</ul><p>{html.escape(figures)}</p>"


def held_out(prepared: Prepared, net: Identity) -> np.ndarray:
    """Held-out patches from shut to wide open, over what the network makes of them."""
    samples = prepared.samples
    held = samples.split()[1]
    if not len(held):
        held = samples.split()[0]
    order = held[np.argsort(prepared.mouths[held, 0], kind="stable")]
    chosen = order[np.linspace(0, len(order) - 1, SHOWN).astype(int)]
    made = np.round(train.predict(net, samples, chosen)[:, :3] * 255).astype(np.uint8)
    return np.concatenate([np.concatenate(list(x.transpose(0, 2, 3, 1)), 1) for x in (samples.patches[chosen], made)])


def picture(pixels: np.ndarray, times: int = 1) -> str:
    out = io.BytesIO()
    image = Image.fromarray(pixels)
    if times > 1:
        image = image.resize((image.width * times, image.height * times), Image.LANCZOS)
    image.save(out, "JPEG", quality=88)
    return f'<img src="data:image/jpeg;base64,{base64.b64encode(out.getvalue()).decode()}">'
