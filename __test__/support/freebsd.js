'use strict';

// Loaded ahead of a program, makes it believe that it runs on FreeBSD, whose
// addon has all that those of Linux and macOS have.

require('../../lib/native');

Object.defineProperty(process, 'platform', { value: 'freebsd' });
