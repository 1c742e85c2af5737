"""The scene in Blender: meshes, materials, light and camera, and what moves them from frame to frame.

Runs in a Python that has `bpy`. World space is the head's own: centimetres, y up, the camera looks along -z.
"""
from __future__ import annotations

import os
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix

from . import garments, paint
from .model import BACK, EYES, FACE, LASHES, MOUTH, TEETH, Head, head_transform, smoothstep, torso_shift
from .view import CAMERA_Z, FRAME, VIEW_CENTRE, VIEW_HEIGHT, Similarity

IRIS = dict(pupil=7.6, iris=21.0)
"""Half-angles of the pupil and the iris, in degrees about the gaze."""


def material(name, colour, rough=0.5, spec=0.4, coat=0.0, sheen=0.0, sss=0.0, emit=0.0):
    """A principled material of one colour."""
    m = bpy.data.materials.new(name)
    m.use_nodes = True
    b = m.node_tree.nodes["Principled BSDF"]
    b.inputs["Base Color"].default_value = (*colour, 1)
    b.inputs["Roughness"].default_value = rough
    b.inputs["Specular IOR Level"].default_value = spec
    b.inputs["Coat Weight"].default_value = coat
    b.inputs["Coat Roughness"].default_value = 0.03
    b.inputs["Sheen Weight"].default_value = sheen
    b.inputs["Subsurface Weight"].default_value = sss
    b.inputs["Subsurface Radius"].default_value = (1.0, 0.35, 0.2)
    b.inputs["Subsurface Scale"].default_value = 0.6
    if emit:
        b.inputs["Emission Color"].default_value = (*colour, 1)
        b.inputs["Emission Strength"].default_value = emit
    return m


def by_attribute(m, attribute):
    """Takes a material's colour from a vertex attribute."""
    n = m.node_tree.nodes.new("ShaderNodeAttribute")
    n.attribute_name = attribute
    m.node_tree.links.new(n.outputs["Color"], m.node_tree.nodes["Principled BSDF"].inputs["Base Color"])
    return m


class Part:
    """A mesh made of some of the head's faces."""

    def __init__(self, head: Head, name: str, materials, slots, subdivide=0, keep=None):
        pick = np.isin(head.material, materials)
        faces, self.mats = head.faces[pick], head.material[pick]
        t = head.face_uv[pick]
        if keep is not None:
            ok = keep[np.where(faces < 0, faces[:, :1], faces)].all(1)
            faces, self.mats, t = faces[ok], self.mats[ok], t[ok]
        used = np.unique(faces)
        self.ids = used[used >= 0]
        remap = np.full(len(head.rest) + 1, -1)
        remap[self.ids] = np.arange(len(self.ids))
        local = remap[faces]
        polys = [[int(k) for k in f if k >= 0] for f in local]
        self.mesh = bpy.data.meshes.new(name)
        self.mesh.from_pydata(head.rest[self.ids].tolist(), [], polys)
        for s in slots:
            self.mesh.materials.append(s)
        self.mesh.polygons.foreach_set("use_smooth", np.ones(len(polys), bool))
        if len(slots) > 1:
            self.mesh.polygons.foreach_set("material_index", np.searchsorted(materials, self.mats).astype(np.int32))
        self.object = bpy.data.objects.new(name, self.mesh)
        bpy.context.scene.collection.objects.link(self.object)
        if subdivide:
            mod = self.object.modifiers.new("smooth", "SUBSURF")
            mod.levels = mod.render_levels = subdivide
            mod.boundary_smooth = "PRESERVE_CORNERS"
        self.loops = np.concatenate([f[f >= 0] for f in faces])
        self.uv_loops = np.concatenate([u[f >= 0] for f, u in zip(faces, t)])

    def move(self, v: np.ndarray):
        """Puts the part's vertices where the whole head's are."""
        self.mesh.vertices.foreach_set("co", v[self.ids].astype(np.float32).ravel())
        self.mesh.update()

    def attribute(self, name: str, colour: np.ndarray):
        """Stores a colour per vertex."""
        a = self.mesh.attributes.new(name, "FLOAT_COLOR", "POINT")
        rgba = np.concatenate([colour, np.ones((len(colour), 1))], 1).astype(np.float32)
        a.data.foreach_set("color", rgba.ravel())


def solid(name, mesh, mat, subdivide=0, thickness=0.0):
    """An object from (vertices, faces)."""
    data = bpy.data.meshes.new(name)
    data.from_pydata(mesh[0].tolist(), [], mesh[1].tolist())
    data.materials.append(mat)
    data.polygons.foreach_set("use_smooth", np.ones(len(mesh[1]), bool))
    o = bpy.data.objects.new(name, data)
    bpy.context.scene.collection.objects.link(o)
    if thickness:
        mod = o.modifiers.new("thick", "SOLIDIFY")
        mod.thickness, mod.offset = thickness, 0
    if subdivide:
        mod = o.modifiers.new("smooth", "SUBSURF")
        mod.levels = mod.render_levels = subdivide
    return o


def area(name, where, target, size, watts, colour):
    """An area light that looks at a point."""
    from mathutils import Vector

    light = bpy.data.lights.new(name, "AREA")
    light.shape, light.size, light.energy, light.color = "DISK", size, watts, colour
    o = bpy.data.objects.new(name, light)
    o.location = where
    o.rotation_euler = (Vector(target) - Vector(where)).to_track_quat("-Z", "Y").to_euler()
    bpy.context.scene.collection.objects.link(o)
    return o


class Scene:
    """The character, ready to be posed and rendered."""

    def __init__(self, head: Head, samples: int = 32, threads: int = 0):
        bpy.ops.wm.read_factory_settings(use_empty=True)
        self.head = head
        self._settings(samples, threads)
        self._light()
        self._face()
        self._garments()
        cam = bpy.data.cameras.new("camera")
        cam.sensor_fit, cam.sensor_width, cam.clip_end = "HORIZONTAL", 36.0, 500
        self.camera = bpy.data.objects.new("camera", cam)
        bpy.context.scene.collection.objects.link(self.camera)
        bpy.context.scene.camera = self.camera

    def _settings(self, samples, threads):
        s = bpy.context.scene
        s.render.engine = "CYCLES"
        c = s.cycles
        c.device, c.samples, c.seed = "CPU", samples, 7
        c.use_adaptive_sampling, c.adaptive_threshold, c.adaptive_min_samples = True, 0.015, 8
        c.use_denoising, c.denoiser, c.denoising_prefilter = True, "OPENIMAGEDENOISE", "FAST"
        c.denoising_input_passes = "RGB_ALBEDO_NORMAL"
        c.max_bounces, c.diffuse_bounces, c.glossy_bounces, c.transmission_bounces = 2, 1, 1, 0
        c.transparent_max_bounces, c.volume_bounces = 4, 0
        c.caustics_reflective = c.caustics_refractive = False
        c.sample_clamp_indirect, c.sample_clamp_direct = 3.0, 12.0
        c.blur_glossy = 1.0
        c.debug_bvh_type = "DYNAMIC_BVH"
        s.render.use_persistent_data = True
        s.render.film_transparent = False
        s.view_settings.view_transform = "Standard"
        s.view_settings.look = "None"
        s.render.image_settings.file_format = "PNG"
        s.render.image_settings.color_mode = "RGB"
        s.render.image_settings.compression = 30
        if threads:
            s.render.threads_mode, s.render.threads = "FIXED", threads

    def _light(self):
        w = bpy.data.worlds.new("world")
        bpy.context.scene.world = w
        w.use_nodes = True
        bg = w.node_tree.nodes["Background"]
        bg.inputs[0].default_value = (0.72, 0.80, 1.0, 1)
        bg.inputs[1].default_value = 0.34
        area("key", (-34, 34, 58), (0, -1, 6), 34, 33000, (1.0, 0.90, 0.80))
        area("fill", (46, 4, 50), (0, -2, 6), 44, 8500, (0.78, 0.88, 1.0))
        area("rim", (30, 30, -34), (0, 2, 0), 22, 26000, (1.0, 0.86, 0.74))
        area("rim2", (-36, 12, -30), (0, -2, 0), 22, 9000, (0.70, 0.86, 1.0))
        m = bpy.data.materials.new("backdrop")
        m.use_nodes = True
        t = m.node_tree
        t.nodes.clear()
        out, em = t.nodes.new("ShaderNodeOutputMaterial"), t.nodes.new("ShaderNodeEmission")
        geo, mapping = t.nodes.new("ShaderNodeNewGeometry"), t.nodes.new("ShaderNodeVectorMath")
        mapping.operation = "DISTANCE"
        mapping.inputs[1].default_value = (-9, 5, -60)
        ramp, scale = t.nodes.new("ShaderNodeValToRGB"), t.nodes.new("ShaderNodeMath")
        scale.operation, scale.inputs[1].default_value = "DIVIDE", 62.0
        ramp.color_ramp.interpolation = "EASE"
        ramp.color_ramp.elements[0].color = (0.33, 0.47, 0.52, 1)
        ramp.color_ramp.elements[1].color = (0.055, 0.115, 0.16, 1)
        t.links.new(geo.outputs["Position"], mapping.inputs[0])
        t.links.new(mapping.outputs["Value"], scale.inputs[0])
        t.links.new(scale.outputs[0], ramp.inputs[0])
        t.links.new(ramp.outputs[0], em.inputs[0])
        t.links.new(em.outputs[0], out.inputs[0])
        q = np.array([[-90, -90, -60], [90, -90, -60], [90, 90, -60], [-90, 90, -60]], float)
        plane = solid("backdrop", (q, np.array([[0, 1, 2, 3]])), m)
        plane.visible_diffuse = plane.visible_glossy = plane.visible_shadow = False

    def _face(self):
        h = self.head
        skin = material("skin", paint.SKIN, rough=0.46, spec=0.32, sheen=0.08, sss=float(os.environ.get("SSS", 0)))
        size = 1024
        image = bpy.data.images.new("skin", size, size, float_buffer=True)
        image.colorspace_settings.name = "Linear Rec.709"
        rgba = np.ones((size, size, 4), np.float32)
        rgba[..., :3] = paint.skin_texture(h, size)
        image.pixels.foreach_set(rgba.ravel())
        node = skin.node_tree.nodes.new("ShaderNodeTexImage")
        node.image, node.extension = image, "EXTEND"
        skin.node_tree.links.new(node.outputs[0], skin.node_tree.nodes["Principled BSDF"].inputs["Base Color"])
        plain = material("neck", paint.SKIN, rough=0.5, spec=0.3, sheen=0.08, sss=float(os.environ.get("SSS", 0)))
        self.skin = Part(h, "skin", [FACE, BACK], [skin, plain], subdivide=1)
        layer = self.skin.mesh.uv_layers.new(name="uv")
        layer.data.foreach_set("uv", h.uv[self.skin.uv_loops].astype(np.float32).ravel())
        self.mouth = Part(h, "mouth", [MOUTH], [by_attribute(material("mouth", (0.5, 0.1, 0.1), rough=0.35, spec=0.4), "paint")], 1)
        self.mouth.attribute("paint", h.mouth_colours()[self.mouth.ids])
        self.teeth = Part(h, "teeth", [TEETH], [material("teeth", (0.90, 0.86, 0.78), rough=0.22, spec=0.5)], 1)
        self.lashes = Part(h, "lashes", [LASHES], [material("lashes", (0.05, 0.025, 0.02), rough=0.6)], keep=self._upper_lashes())
        self.eyes = []
        for side, (_, ball) in EYES.items():
            part = Part(h, side, [ball], [self._eye_material()], 1)
            d = h.rest[part.ids] - h.eye_centre[side]
            angle = np.degrees(np.arctan2(np.hypot(d[:, 0], d[:, 1]), d[:, 2]))
            turn = np.arctan2(d[:, 1], d[:, 0])
            part.attribute("angle", np.stack([angle / 90, 0.5 + 0.5 * np.sin(11 * turn), angle * 0], 1))
            self.eyes.append(part)

    def _upper_lashes(self) -> np.ndarray:
        """The lashes of the upper lids; lower ones read as smeared paint."""
        h = self.head
        centre = np.where(h.rest[:, 0] > 0, h.eye_centre["left"][1], h.eye_centre["right"][1])
        return h.rest[:, 1] > centre

    def _eye_material(self):
        m = material("eye", (1, 1, 1), rough=0.25, spec=0.5, coat=1.0)
        t = m.node_tree
        a, sep, ramp = t.nodes.new("ShaderNodeAttribute"), t.nodes.new("ShaderNodeSeparateColor"), t.nodes.new("ShaderNodeValToRGB")
        a.attribute_name = "angle"
        e = ramp.color_ramp.elements
        p, i = IRIS["pupil"] / 90, IRIS["iris"] / 90
        stops = [(0, (0.004, 0.004, 0.006)), (p * 0.92, (0.004, 0.004, 0.006)), (p * 1.08, (0.16, 0.11, 0.03)), (p + 0.35 * (i - p), (0.10, 0.22, 0.13)),
                 (p + 0.75 * (i - p), (0.05, 0.22, 0.20)), (i * 0.97, (0.008, 0.04, 0.05)), (i * 1.07, (0.82, 0.81, 0.80)), (1.0, (0.80, 0.70, 0.68))]
        e[0].position, e[0].color = stops[0][0], (*stops[0][1], 1)
        e[1].position, e[1].color = stops[-1][0], (*stops[-1][1], 1)
        for pos, colour in stops[1:-1]:
            e.new(pos).color = (*colour, 1)
        t.links.new(a.outputs["Color"], sep.inputs[0])
        t.links.new(sep.outputs[0], ramp.inputs[0])
        t.links.new(ramp.outputs[0], t.nodes["Principled BSDF"].inputs["Base Color"])
        return m

    def _garments(self):
        skull = garments.Skull(self.head)
        wool = material("hat", (0.80, 0.30, 0.07), rough=0.9, spec=0.1, sheen=0.5)
        hair = material("hair", (0.085, 0.034, 0.018), rough=0.42, spec=0.35)
        knit = material("jumper", (0.045, 0.13, 0.20), rough=0.9, spec=0.1, sheen=0.4)
        brow = material("brow", (0.070, 0.028, 0.016), rough=0.6, spec=0.2)
        self.riding = [solid("hat", m, wool) for m in garments.beanie(skull)]
        self.riding += [solid("hair", m, hair, thickness=0.25) for m in garments.bob(skull)]
        self.torso = [solid("jumper", m, knit) for m in garments.collar()]
        v = self.head.rest
        self.brows = [solid("brow", m, brow) for m in garments.brow_strips(v, self.normals(v))]

    def normals(self, v: np.ndarray) -> np.ndarray:
        """Vertex normals of the face."""
        f = self.head.faces[self.head.material == FACE]
        n = np.zeros_like(v)
        fn = np.cross(v[f[:, 1]] - v[f[:, 0]], v[f[:, 2]] - v[f[:, 0]])
        for k in range(3):
            np.add.at(n, f[:, k], fn)
        return n / np.maximum(np.linalg.norm(n, axis=1, keepdims=True), 1e-9)

    def pose(self, coefficients: dict, life: dict, pose: dict):
        """Moves everything."""
        local = self.head.expression(coefficients, life)
        v = self.head.posed(local, pose)
        for part in (self.skin, self.mouth, self.teeth, self.lashes, *self.eyes):
            part.move(v)
        m, t = head_transform(pose)
        matrix = Matrix([[*m[0], t[0]], [*m[1], t[1]], [*m[2], t[2]], [0, 0, 0, 1]])
        for o in self.riding:
            o.matrix_world = matrix
        for o, mesh in zip(self.brows, garments.brow_strips(local, self.normals(local))):
            o.data.vertices.foreach_set("co", mesh[0].astype(np.float32).ravel())
            o.data.update()
            o.matrix_world = matrix
        for o in self.torso:
            o.location = torso_shift(pose)
            b = 0.012 * pose.get("breath", 0.0)
            o.scale = (1 + b, 1, 1 + 1.5 * b)

    def shoot(self, path: Path, view: Similarity, size: int):
        """Renders a view to a PNG of `size` squared. Written under another name first: a file that exists is whole."""
        cam, s = self.camera.data, bpy.context.scene
        s.render.resolution_x = s.render.resolution_y = size
        s.render.resolution_percentage = 100
        lens, shift, roll = view.camera(size)
        cam.lens = cam.sensor_width * lens
        cam.shift_x, cam.shift_y = shift
        self.camera.location = (VIEW_CENTRE[0], VIEW_CENTRE[1], CAMERA_Z)
        self.camera.rotation_euler = (0, 0, roll)
        part = path.with_suffix(".part.png")
        s.render.filepath = str(part)
        bpy.ops.render.render(write_still=True)
        part.replace(path)
