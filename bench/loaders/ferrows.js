'use strict';

// ferrows itself.

require('./measure')(() => require('../..'));
