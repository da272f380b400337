<?php
allow_methods('GET', 'POST');
log_out();
redirect('/login');
