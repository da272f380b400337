<?php
// The frame of every page.
declare(strict_types=1);

function page_top(string $title, string $id, string $head = '', string $before_head = ''): void
{
    header('Content-Type: text/html; charset=utf-8');
    header('Cache-Control: no-store, no-cache, must-revalidate');
    $candidate = candidate();
    ?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xml:lang="en" lang="en">
<?= $before_head . "\n" ?>
<head>
<meta http-equiv="Content-Type" content="text/html; charset=utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" />
<title><?= h($title) ?> - <?= h(content()['university']) ?></title>
<link rel="stylesheet" type="text/css" href="/static/exam.css" />
<link rel="icon" type="image/svg+xml" href="/static/logo.svg" />
<script type="text/javascript" src="/static/exam.js"></script>
<?= $head . "\n" ?>
</head>
<body id="page-<?= $id ?>">
<div id="header"><div class="inner">
<img src="/static/logo.svg" width="48" height="56" alt="" />
<div class="name"><?= h(content()['university']) ?> <small>Online examinations</small></div>
<?php if ($candidate !== null): ?>
<div class="user"><strong><?= h(candidate_name()) ?></strong> (<?= h($candidate) ?>)<br /><a href="/exams">Examinations</a> | <a href="/logout">Log out</a></div>
<?php endif; ?>
</div></div>
<div id="content">
    <?php
}

function page_bottom(): void
{
    ?>
</div>
<div id="footer">Examinations Office, <?= h(content()['university']) ?> | <a href="/handbook">Examination handbook</a></div>
</body>
</html>
    <?php
}

/** Progress bar and clock above a page of the examination. */
function status_bar(string $attempt, string $text, int $percent): void
{
    ?>
<div id="status">
<span><?= h($text) ?></span>
<div class="progress"><div class="bar" style="width: <?= $percent ?>%"></div></div>
<span id="timer" data-attempt="<?= $attempt ?>" data-seconds="<?= exam()['minutes'] * 60 ?>"><?= sprintf('%02d:00', exam()['minutes']) ?></span>
</div>
    <?php
}

function upload_summary(?array $upload): void
{
    if ($upload === null) {
        echo '<p class="quiet">No file uploaded.</p>';
        return;
    }
    ?>
<table class="list" id="uploaded">
<tr><th>File</th><th>Size</th><th>SHA-256</th></tr>
<tr><td><?= h($upload['name']) ?></td><td><?= $upload['size'] ?> bytes</td><td><code><?= h($upload['sha256']) ?></code></td></tr>
</table>
    <?php
}
