#!/usr/bin/env node
import "./compactHeap.ts";
import { program } from "./cli/program.ts";

await program().parseAsync();
