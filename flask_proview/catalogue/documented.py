"""Proview's user action event catalog: numbers, names and meanings of the documentation."""

from __future__ import annotations

from .kinds import HIGH, INFO, LOW, MEDIUM, TECHNICAL, Basis, Source, Table, browser

DOCUMENTED: Table = (
    (
        browser("the session itself"),
        (
            (3, "Session Joined", "The candidate entered the session.", INFO, 0),
            (9, "Socket connection success", "The link to the server is up.", TECHNICAL, 0),
            (10, "Socket disconnected", "The link to the server was lost.", TECHNICAL, 0),
            (13, "Recording Started", "Recording began.", INFO, 0),
            (14, "Recording Stopped", "Recording ended.", INFO, 0),
            (113, "Session Completed", "The candidate finished; proctoring ended.", INFO, 0),
        ),
    ),
    (
        browser("document.hasFocus(), focus and blur"),
        (
            (4, "Window Focus-In", "The exam window is the active one again.", INFO, 0),
            (5, "Window Focus-Out", "The candidate left the exam window.", MEDIUM, 3),
        ),
    ),
    (
        browser("keyboard, pointer, wheel, touch and scroll events"),
        (
            (6, "User Idle", "No keyboard or mouse for a while.", LOW, 1),
            (7, "User Active", "The candidate uses keyboard or mouse again.", INFO, 0),
        ),
    ),
    (
        browser("Screen Capture: the track ended"),
        ((12, "Screen-capture Stopped", "The screen is not recorded any more.", HIGH, 5),),
    ),
    (
        browser("getUserMedia and the device check"),
        (
            (26, "Camera Test Passed", "The camera passed the device check.", INFO, 0),
            (27, "Camera Test Failed", "The camera failed the device check.", TECHNICAL, 0),
            (34, "Audio Test Passed", "The microphone passed the device check.", INFO, 0),
            (60, "Camera Detected", "A camera was found.", INFO, 0),
        ),
    ),
    (
        browser("a still of the camera, taken in a step before the exam"),
        (
            (145, "Photo ID capture", "A photo of the identity document was taken.", INFO, 0),
            (146, "Face capture", "A photo of the face was taken.", INFO, 0),
        ),
    ),
    (
        Basis(Source.RESERVED, "nothing of ours makes it; kept for clients that send it"),
        (
            (15, "Face Detected", "A face is visible.", INFO, 0),
            (16, "Face Not Detected", "No face is in view.", HIGH, 5),
            (17, "Notification Permission Granted", "The browser may show notifications.", INFO, 0),
            (18, "Notification Permission Denied", "The browser may not show notifications.", INFO, 0),
            (81, "Multiple Face Detected", "More than one face is in view.", HIGH, 5),
        ),
    ),
)
