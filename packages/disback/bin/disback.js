#!/usr/bin/env node
// The target of the command `disback`. It is committed because npm links commands before `prepare` builds `dist/`.
import "../dist/cli/main.js";
