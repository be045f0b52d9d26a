#!/usr/bin/env node
// The target of the command `disback`. It is committed because npm links commands before `prepare` builds `dist/`.
import module from "node:module";

// From Node 22 on, compiled modules are kept between calls.
module.enableCompileCache?.();
await import("../dist/cli/main.js");
