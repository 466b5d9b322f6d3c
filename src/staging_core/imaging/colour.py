"""Any picture as 8 bit sRGB on white."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageCms

from staging_core.errors import PictureUnsupported

_FLAGS = ImageCms.Flags.BLACKPOINTCOMPENSATION
_WITH_PROFILE = {"RGB ": "RGB", "CMYK": "CMYK", "GRAY": "L", "Lab ": "LAB"}


def to_srgb(image: Image.Image) -> Image.Image:
    """The picture in mode RGB. Transparency shows white; a broken profile counts as sRGB."""
    profile = image.info.get("icc_profile")
    image = _on_white(_eight_bit(image))
    converted = _converted(image, profile) if profile or image.mode == "LAB" else None
    return converted or (image if image.mode == "RGB" else image.convert("RGB"))


def _eight_bit(image: Image.Image) -> Image.Image:
    """The picture with 8 bits a channel; 16 bit colour is cut by Pillow's own decoders."""
    if image.mode.startswith("I"):
        return _grey(image, 1 / 257)
    if image.mode == "F":
        raise PictureUnsupported("The picture has floating-point pixels.")
    return image.convert("L") if image.mode == "1" else image


def _grey(image: Image.Image, scale: float) -> Image.Image:
    return image.convert("I").point(lambda value: value * scale + 0.5).convert("L")


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB") if image.mode in ("P", "RGBX", "YCbCr", "HSV") else image
    image = image if image.mode == "RGBA" else image.convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white


def _converted(image: Image.Image, profile: bytes | None) -> Image.Image | None:
    """The picture in sRGB by its profile; None where it needs none or the profile is broken."""
    try:
        source = _profile(profile)
        mode = _WITH_PROFILE[source.profile.xcolor_space]
        if mode == "RGB" and "sRGB" in ImageCms.getProfileDescription(source):
            return None  # a round trip through the same space would only add rounding
        return ImageCms.profileToProfile(
            image if image.mode == mode else image.convert(mode),
            source,
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=_FLAGS,
        )
    except (ImageCms.PyCMSError, OSError, KeyError, ValueError, TypeError):
        return None


def _profile(profile: bytes | None) -> ImageCms.ImageCmsProfile:
    """The picture's own profile, or that of L*a*b* numbers, which need none."""
    if profile:
        return ImageCms.ImageCmsProfile(BytesIO(profile))
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
