<?php
allow_methods('GET', 'POST');
$attempt = require_attempt($params[1]);
$base = '/exam/' . $attempt['id'];
$error = '';
if (is_post()) {
    $file = $_FILES['file'] ?? array('error' => UPLOAD_ERR_NO_FILE);
    $limit = upload_megabytes();
    if (body_is_too_large() || in_array($file['error'], array(UPLOAD_ERR_INI_SIZE, UPLOAD_ERR_FORM_SIZE), true) || ($file['size'] ?? 0) > $limit << 20) {
        $error = "The file is larger than $limit MB and was not saved. Your answers and an earlier upload are kept.";
        http_response_code(413);
    } else {
        check_csrf();
        if (!is_string($file['name'] ?? null) || $file['error'] !== UPLOAD_ERR_OK) {
            $error = 'No file arrived. Please choose a file and send it again.';
            http_response_code(422);
        }
    }
    if ($error === '') {
        // Some browsers send the whole path; neither part of it is used for the file on disk.
        $name = str_replace("\n", '', clean_text(substr((string) strrchr('/' . str_replace('\\', '/', $file['name']), '/'), 1)));
        preg_match('/\A.{0,150}/su', $name, $short);
        $upload = array('name' => $short[0] !== '' ? $short[0] : 'unnamed', 'size' => $file['size'], 'sha256' => hash_file('sha256', $file['tmp_name']));
        change_attempt($attempt['id'], function (array $attempt) use ($file, $upload): array {
            if (!move_uploaded_file($file['tmp_name'], state_folder('uploads') . '/' . $attempt['id'])) {
                throw new RuntimeException('cannot keep the uploaded file');
            }
            $attempt['upload'] = $upload;
            return $attempt;
        });
        redirect($base . '/upload');
        return;
    }
} elseif ($attempt['finished_at'] !== null) {
    redirect($base . '/done');
    return;
}
page_top('Upload', 'upload');
status_bar($attempt['id'], 'Upload', 100);
?>
<h1>Upload your working</h1>
<?php if ($error !== ''): ?>
<p class="message error"><?= h($error) ?></p>
<?php endif; ?>
<p>You can hand in one file with your working, for example a photograph or a PDF, of at most <?= upload_megabytes() ?> MB. A new file replaces the earlier one.</p>
<?php upload_summary($attempt['upload']); ?>
<form method="post" action="<?= $base ?>/upload" enctype="multipart/form-data">
<?= csrf_field() ?>
<p><input type="file" name="file" /> <input class="submit" type="submit" value="Upload" /></p>
</form>
<p class="buttons"><a href="<?= $base ?>/q/<?= question_count() ?>">Previous</a> <a class="right" href="<?= $base ?>/review">Continue to the review</a></p>
<?php
page_bottom();
