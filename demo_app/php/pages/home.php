<?php
allow_methods('GET');
redirect('/login');
