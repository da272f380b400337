<?php
// Attempts: one JSON file each, replaced as a whole, so that a reader never sees half of it.
declare(strict_types=1);

function state_folder(string $name): string
{
    $root = getenv('DEMO_STATE') ?: ($_SERVER['DEMO_STATE'] ?? '');
    if ($root === '') {
        $owner = posix_geteuid();
        $root = sys_get_temp_dir() . '/exam-site-' . $owner;
        if (is_link($root) || (file_exists($root) && fileowner($root) !== $owner)) {
            throw new RuntimeException($root . ' belongs to somebody else; set DEMO_STATE to another folder');
        }
    }
    $folder = $root . '/' . $name;
    if (!is_dir($folder) && !@mkdir($folder, 0700, true) && !is_dir($folder)) {
        throw new RuntimeException('cannot create ' . $folder);
    }
    return $folder;
}

function attempt_file(string $id): string
{
    return state_folder('attempts') . '/' . $id . '.json';
}

function new_attempt(string $candidate, string $name): string
{
    $id = bin2hex(random_bytes(16));
    write_attempt(array(
        'id' => $id, 'candidate' => $candidate, 'name' => $name, 'created_at' => time(), 'finished_at' => null,
        'answers' => array(), 'upload' => null,
    ));
    return $id;
}

function read_attempt(string $id): ?array
{
    $text = @file_get_contents(attempt_file($id));
    return $text === false ? null : json_decode($text, true, 16, JSON_THROW_ON_ERROR);
}

function write_attempt(array $attempt): void
{
    $attempt['answers'] = (object) $attempt['answers'];
    $file = attempt_file($attempt['id']);
    $fresh = $file . '.' . bin2hex(random_bytes(4));
    $text = json_encode($attempt, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES | JSON_THROW_ON_ERROR);
    if (file_put_contents($fresh, $text) !== strlen($text) || !rename($fresh, $file)) {
        throw new RuntimeException('cannot write ' . $file);
    }
}

/** Reads, changes and writes an attempt under a lock; a finished one is not changed any more. */
function change_attempt(string $id, callable $change): void
{
    $lock = fopen(state_folder('attempts') . '/' . $id . '.lock', 'c');
    if ($lock === false || !flock($lock, LOCK_EX)) {
        throw new RuntimeException('cannot lock attempt ' . $id);
    }
    try {
        $attempt = read_attempt($id);
        if ($attempt['finished_at'] !== null) {
            throw new HttpError(409, 'Examination already finished', 'This attempt was finished and can no longer be changed.');
        }
        write_attempt($change($attempt));
    } finally {
        fclose($lock);
    }
}

/** The attempt of the address, if it is the candidate's own. */
function require_attempt(string $id): array
{
    $candidate = require_candidate();
    $attempt = read_attempt($id);
    if ($attempt === null) {
        throw new HttpError(404, 'Attempt not found', 'There is no such examination attempt.');
    }
    if ($attempt['candidate'] !== $candidate) {
        throw new HttpError(403, 'Not your attempt', 'This examination attempt belongs to another candidate.');
    }
    return $attempt;
}

/** @return array[] the candidate's attempts, newest first */
function attempts_of(string $candidate): array
{
    $found = array();
    foreach (glob(state_folder('attempts') . '/*.json') ?: array() as $file) {
        $attempt = read_attempt(basename($file, '.json'));
        if ($attempt !== null && $attempt['candidate'] === $candidate) {
            $found[] = $attempt;
        }
    }
    usort($found, fn (array $a, array $b): int => array($b['created_at'], $b['id']) <=> array($a['created_at'], $a['id']));
    return array_slice($found, 0, 10);
}
