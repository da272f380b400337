<?php
allow_methods('GET', 'POST');
begin_session();
$error = '';
$name = '';
if (is_post()) {
    check_csrf();
    $name = trim(str_replace(array("\n", "\t"), ' ', field('name')));
    $candidate = null;
    foreach (content()['candidates'] as $listed) {
        if (hash_equals($listed['password'], field('password'))) {
            $candidate = $listed['id'];
        }
    }
    if ($name === '' || text_length($name) > 80) {
        $error = 'Please enter your name (at most 80 characters).';
    } elseif ($candidate === null) {
        $error = 'This password is not known. Please use one of the list.';
    } else {
        log_in($candidate, $name);
        redirect('/exams');
        return;
    }
    http_response_code(422);
}
page_top('Log in', 'login');
?>
<div class="columns">
<div>
<h1>Log in</h1>
<?php if ($error !== ''): ?>
<p class="message error"><?= h($error) ?></p>
<?php endif; ?>
<form method="post" action="/login">
<?= csrf_field() ?>
<label class="field" for="name">Name</label>
<input class="text" type="text" id="name" name="name" size="30" value="<?= h($name) ?>" />
<label class="field" for="password">Password</label>
<input class="text" type="password" id="password" name="password" size="30" />
<p><input class="submit" type="submit" value="Log in" /></p>
</form>
</div>
<div>
<h2>Candidates of this session</h2>
<p class="quiet">This is a trial session. Enter your name and any password of the list.</p>
<table class="list">
<tr><th>Number</th><th>Name</th><th>Password</th></tr>
<?php foreach (content()['candidates'] as $listed): ?>
<tr><td><?= h($listed['id']) ?></td><td><?= h($listed['name']) ?></td><td><code><?= h($listed['password']) ?></code></td></tr>
<?php endforeach; ?>
</table>
</div>
</div>
<?php
page_bottom();
