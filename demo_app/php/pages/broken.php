<?php
// An address that always fails, to see what a failure looks like.
allow_methods('GET');
page_top('Broken', 'broken');
throw new RuntimeException('this page always fails');
