"""What happens to cameras, microphones and their permissions."""

from __future__ import annotations

from .kinds import INFO, LOW, MEDIUM, TECHNICAL, Table, browser, guess

DEVICES: Table = (
    (
        browser("getUserMedia: a track ended"),
        (
            (10014, "Camera Lost", "The camera was disconnected or its permission withdrawn.", MEDIUM, 2),
            (10015, "Microphone Lost", "The microphone was disconnected or its permission withdrawn.", MEDIUM, 2),
            (10016, "Device Restored", "Camera and microphone are back.", INFO, 0),
        ),
    ),
    (
        browser("the device check, where the microphone has to be heard"),
        ((10103, "Audio Test Skipped", "The candidate went on although the microphone had heard nothing.", LOW, 2),),
    ),
    (
        browser("enumerateDevices, compared at each devicechange. The kind and a mark, not the name"),
        (
            (10070, "Device Connected", "A camera, microphone or loudspeaker was connected.", LOW, 1),
            (10071, "Device Removed", "A camera, microphone or loudspeaker was removed.", INFO, 0),
        ),
    ),
    (
        browser("mute and unmute of the tracks: the system or the browser delivers nothing"),
        (
            (10072, "Camera Muted", "The camera is open and delivers no picture.", MEDIUM, 2),
            (10073, "Camera Unmuted", "The camera delivers pictures again.", INFO, 0),
            (10074, "Microphone Muted", "The microphone is open and delivers no sound.", MEDIUM, 2),
            (10075, "Microphone Unmuted", "The microphone delivers sound again.", INFO, 0),
            (10076, "Screen-capture Muted", "The screen is shared and delivers no picture.", LOW, 1),
            (10077, "Screen-capture Unmuted", "The shared screen delivers pictures again.", INFO, 0),
        ),
    ),
    (
        browser("Permissions API: change"),
        (
            (10078, "Permission Revoked", "The permission for camera or microphone was withdrawn.", LOW, 1),
            (10079, "Permission Granted Again", "The permission for camera or microphone was given again.", INFO, 0),
        ),
    ),
    (
        guess("Web Audio: the level stays under -75 dBFS; a quiet room behind noise suppression looks the same"),
        (
            (10081, "Microphone Silent", "The microphone has delivered next to nothing for a while.", TECHNICAL, 0),
            (10082, "Microphone Heard Again", "The microphone delivers sound again.", TECHNICAL, 0),
        ),
    ),
)
