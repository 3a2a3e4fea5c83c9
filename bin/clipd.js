#!/usr/bin/env node
'use strict';
// The syntax is old on purpose: this file must run on any Node to report that the Node is too old.
var version = process.versions.node.split('.').map(Number);
if (version[0] > 22 || (version[0] === 22 && version[1] >= 12)) {
  require('../dist/clipd.cjs');
} else {
  process.stderr.write(
    'clip needs Node 22.12 or newer; this is Node ' +
      process.versions.node +
      '. Inside a checkout, npx clip brings its own.\n',
  );
  process.exitCode = 1;
}
