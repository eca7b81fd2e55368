'use strict';

// ferrows itself.

require('./node')(require('../..'));
