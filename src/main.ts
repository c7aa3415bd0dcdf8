#!/usr/bin/env node
import "./compactHeap.ts";
import { program, programName } from "./cli/program.ts";

await program(programName(process.argv)).parseAsync();
