<?php
// Who is logged in, and the token that every form carries.
declare(strict_types=1);

function begin_session(): void
{
    if (session_status() === PHP_SESSION_ACTIVE) {
        return;
    }
    ini_set('session.use_strict_mode', '1');
    session_save_path(state_folder('sessions'));
    session_set_cookie_params(array('path' => '/', 'httponly' => true, 'samesite' => 'Lax'));
    session_cache_limiter('');
    session_start();
    $_SESSION['csrf'] ??= bin2hex(random_bytes(16));
}

function csrf_field(): string
{
    return '<input type="hidden" name="csrf" value="' . h($_SESSION['csrf']) . '" />';
}

function check_csrf(): void
{
    begin_session();
    if (!hash_equals($_SESSION['csrf'], field('csrf'))) {
        throw new HttpError(403, 'This form has expired', 'The form does not belong to your session. Go back, reload the page and send it again. Your saved answers are not affected.');
    }
}

/** The candidate's id, or null; a visitor without a cookie gets no session. */
function candidate(): ?string
{
    if (!isset($_COOKIE[session_name()])) {
        return null;
    }
    begin_session();
    return $_SESSION['candidate'] ?? null;
}

function candidate_name(): string
{
    return $_SESSION['name'] ?? '';
}

/** The candidate's id; redirects visitors to the login and ends the request. */
function require_candidate(): string
{
    $candidate = candidate();
    if ($candidate === null) {
        redirect('/login');
        exit;
    }
    return $candidate;
}

function log_in(string $candidate, string $name): void
{
    session_regenerate_id(true);
    $_SESSION = array('candidate' => $candidate, 'name' => $name, 'csrf' => bin2hex(random_bytes(16)));
    setcookie('uid', $candidate, array('path' => '/', 'samesite' => 'Lax'));
}

function log_out(): void
{
    begin_session();
    $_SESSION = array();
    session_destroy();
    setcookie(session_name(), '', array('expires' => 1, 'path' => '/'));
    setcookie('uid', '', array('expires' => 1, 'path' => '/'));
}
