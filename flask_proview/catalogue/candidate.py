"""What the candidate does with the page, the window and the browser."""

from __future__ import annotations

from .kinds import HIGH, INFO, LOW, MEDIUM, Table, browser, guess

CANDIDATE: Table = (
    (
        browser("Page Visibility"),
        (
            (10000, "Page Hidden", "The exam page is not visible: another tab, or minimised.", MEDIUM, 3),
            (10001, "Page Visible", "The exam page is visible again.", INFO, 0),
        ),
    ),
    (
        browser("Fullscreen API: fullscreenchange"),
        (
            (10002, "Fullscreen Entered", "The page fills the screen.", INFO, 0),
            (10003, "Fullscreen Left", "The page does not fill the screen any more.", LOW, 1),
        ),
    ),
    (
        browser("Clipboard API: copy, cut, paste. The length, never the text"),
        (
            (10004, "Text Copied", "Text was copied.", LOW, 1),
            (10005, "Text Cut", "Text was cut.", LOW, 1),
            (10006, "Text Pasted", "Text was pasted.", MEDIUM, 3),
        ),
    ),
    (
        browser("HTML drag and drop. The length, never the text"),
        (
            (10050, "Drag Started", "Something of the page is being dragged.", INFO, 0),
            (10051, "Content Dropped", "What was dragged within the page was dropped in it.", INFO, 0),
            (
                10052,
                "Content Dropped From Outside",
                "Something was dropped into the page that was not dragged from it.",
                MEDIUM,
                3,
            ),
        ),
    ),
    (
        browser("contextmenu"),
        ((10053, "Context Menu Opened", "The menu of the right mouse button was opened.", LOW, 1),),
    ),
    (
        browser("beforeprint, afterprint"),
        (
            (10054, "Print Requested", "The page was about to be printed or saved as PDF.", MEDIUM, 3),
            (10055, "Print Finished", "The print dialog was closed, with or without printing.", INFO, 0),
        ),
    ),
    (
        guess("keyup of PrintScreen, keydown of the system's screenshot keys; most systems do not tell the browser"),
        ((10056, "Print Screen Clicked", "A key that takes a picture of the screen was pressed.", MEDIUM, 3),),
    ),
    (
        guess("keydown of the browser's own shortcuts; whether the browser obeyed is not visible"),
        (
            (
                10057,
                "Shortcut Pressed",
                "A shortcut for developer tools, the source or saving the page was pressed.",
                LOW,
                1,
            ),
        ),
    ),
    (
        guess("the page shrinks while the window keeps its size; side panels and tool bars do that, too"),
        (
            (10058, "Developer Tools Suspected", "Something opened inside the browser window.", MEDIUM, 2),
            (10059, "Developer Tools Gone", "The page has its former size again.", INFO, 0),
        ),
    ),
    (
        browser("Window Management: screen.isExtended; Chromium only"),
        (
            (10060, "Second Display Detected", "The computer has more than one display.", MEDIUM, 3),
            (10061, "Second Display Removed", "The computer has one display.", INFO, 0),
        ),
    ),
    (
        browser("outer size, position and devicePixelRatio of the window"),
        (
            (10062, "Window Resized", "The browser window has another size.", LOW, 1),
            (10063, "Window Moved", "The browser window is at another place.", INFO, 0),
            (10064, "Page Zoomed", "The page is shown larger or smaller, or on another display.", INFO, 0),
        ),
    ),
    (
        browser("Screen Capture: displaySurface"),
        (
            (
                10017,
                "Shared Surface Is Not A Monitor",
                "A window or tab is shared instead of the entire screen.",
                MEDIUM,
                3,
            ),
        ),
    ),
    (
        browser("getDisplayMedia"),
        (
            (10013, "Screen-capture Started", "The screen is recorded.", INFO, 0),
            (10065, "Screen Share Asked For", "The candidate was asked to share the screen.", INFO, 0),
            (10066, "Screen Share Refused", "The candidate did not share the screen, or could not.", MEDIUM, 2),
        ),
    ),
    (
        browser("the page's load, and same-document navigations (Navigation API, history). The path, without query"),
        (
            (10009, "Page Loaded", "A page of the exam was loaded.", INFO, 0),
            (10087, "Page Address Changed", "The page changed its address without a load.", INFO, 0),
        ),
    ),
    (
        browser("BroadcastChannel between pages of the exam's origin"),
        (
            (10085, "Exam Open In Another Tab", "Another tab or window of this browser runs the exam.", MEDIUM, 2),
            (10086, "Exam Open In One Tab", "The other tab was closed.", INFO, 0),
        ),
    ),
    (
        browser("the server: two browsers or tabs for one session, the newest stays"),
        ((10021, "Session Opened Elsewhere", "The session was opened in another window or tab.", LOW, 1),),
    ),
    (
        browser("the candidate's own doing in our cards, or a call of the page"),
        (
            (10010, "Session Paused", "Capture was stopped on request.", INFO, 0),
            (10011, "Session Resumed", "Capture goes on.", INFO, 0),
            (10012, "Consent Given", "The candidate agreed to the recording.", INFO, 0),
        ),
    ),
    (
        guess("the camera's name: OBS, ManyCam, Snap Camera, v4l2loopback and the like"),
        (
            (
                10080,
                "Virtual Camera Suspected",
                "The camera's name is that of a program that shows whatever it likes.",
                HIGH,
                5,
            ),
        ),
    ),
)
