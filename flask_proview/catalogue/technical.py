"""What technology does, and what the server and its operators do."""

from __future__ import annotations

from .kinds import HIGH, INFO, TECHNICAL, Basis, Source, Table, browser

TECHNICAL_TABLE: Table = (
    (
        browser("the answers of the service, and the browser's offline event"),
        (
            (10007, "Network Lost", "The candidate's connection was lost.", TECHNICAL, 0),
            (10008, "Network Restored", "The candidate's connection is back.", TECHNICAL, 0),
        ),
    ),
    (
        browser("measured round trips, unsent recording, Network Information where there is one"),
        (
            (10090, "Connection Slow", "The connection is too slow for a while; nothing is lost.", TECHNICAL, 0),
            (10091, "Connection Good Again", "The connection keeps up again.", TECHNICAL, 0),
        ),
    ),
    (
        browser("IndexedDB"),
        (
            (10018, "Local Buffer Full", "The browser has no room left to keep the recording.", TECHNICAL, 0),
            (10113, "Local Buffer Has Room", "The browser keeps the recording again.", TECHNICAL, 0),
            (
                10019,
                "Local Buffer Not Durable",
                "The browser cannot keep the recording over a crash (private window).",
                TECHNICAL,
                0,
            ),
        ),
    ),
    (
        browser("the recorder and its uploads"),
        (
            (10020, "Piece Refused", "The server refused a piece of the recording for good.", TECHNICAL, 0),
            (10022, "Recorder Restarted", "The browser's recorder failed and was started again.", TECHNICAL, 0),
            (
                10111,
                "Recording Quality Lowered",
                "The machine or the connection does not keep up: smaller pictures, fewer of them, at last stills.",
                TECHNICAL,
                0,
            ),
            (10112, "Recording Quality Raised", "There is room for better pictures again.", TECHNICAL, 0),
            (10104, "Photo Refused", "The server refused a photo for good.", TECHNICAL, 0),
        ),
    ),
    (
        browser("its two clocks, one of which stands still while the machine sleeps"),
        ((10110, "Computer Woke Up", "The computer slept, and nothing was recorded meanwhile.", TECHNICAL, 0),),
    ),
    (
        browser("the shell of frame mode"),
        (
            (
                10045,
                "Page Opened Outside The Frame",
                "A page could not be shown in the frame and recorded itself.",
                TECHNICAL,
                0,
            ),
        ),
    ),
    (
        browser("the browser's own limits for each type"),
        ((10094, "Events Left Out", "More events of one type than are worth reporting; how many.", TECHNICAL, 0),),
    ),
    (
        Basis(Source.SERVER, "the life of the session"),
        (
            (10025, "Session Expired", "No sign of life; the server closed the session.", TECHNICAL, 0),
            (10026, "Session Terminated", "A proctor ended the session.", INFO, 0),
            (10028, "Live View Opened", "A proctor opened the live view.", INFO, 0),
            (10029, "Live View Closed", "The last proctor left the live view.", INFO, 0),
            (10100, "Approval Requested", "The candidate waits for a proctor to let them in.", INFO, 0),
            (10101, "Candidate Approved", "A proctor let the candidate in.", INFO, 0),
            (10102, "Candidate Rejected", "A proctor did not let the candidate in and said why.", INFO, 0),
            (10035, "Session Rated", "A reviewer judged the session.", INFO, 0),
        ),
    ),
    (
        Basis(Source.SERVER, "what it was sent"),
        (
            (10027, "Piece Conflict", "Other bytes were sent for a piece that was already stored.", HIGH, 10),
            (10036, "Forged Event", "The browser sent an event that only the server makes.", HIGH, 10),
        ),
    ),
)
