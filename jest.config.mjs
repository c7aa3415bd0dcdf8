// ts-jest only strips types here; `npm run typecheck` checks them.
const typescript = [
  "ts-jest",
  {
    useESM: true,
    diagnostics: false,
    tsconfig: {
      module: "esnext",
      target: "es2024",
      esModuleInterop: true,
      isolatedModules: true,
      rewriteRelativeImportExtensions: false,
    },
  },
];

const common = {
  extensionsToTreatAsEsm: [".ts"],
  transform: { "^.+\\.ts$": typescript },
  setupFilesAfterEnv: ["<rootDir>/test/support/jestSetup.mjs"],
  testEnvironment: "node",
};

const onCounterparts = {
  ...common,
  globalSetup: "<rootDir>/test/support/globalSetup.mjs",
  globalTeardown: "<rootDir>/test/support/globalTeardown.mjs",
};

/** Tests that keep to namespaces of their own, or to a sandbox: they are run beside each other. */
const BESIDE = ["{flow,kv,cli}/**", "charts/{operator,stack}", "quickstart"];
/** But not these, which restart Kestra, are all at home in the tutorial's namespace, or measure how fast something is. */
const ALONE = ["flow/plugin", "{flow,kv}/tutorial", "kv/{reference,rights,rotation}", "cli/program"];
/** So are these, but apart from what saves flows in a hurry: Kestra's scheduler can miss one of two that are saved at once. */
const BACKFILL = ["backfill/**"];
/** But not these: any flow that is saved holds up the one, and the other measures how fast something is. */
const UNDISTURBED = ["backfill/missedSchedules", "backfill/suspendTime"];

const tests = (patterns) => patterns.map((pattern) => `**/test/integration/${pattern}*.test.ts`);
/** Of what matches several patterns, the last one counts. */
const not = (patterns) => tests(patterns).map((pattern) => `!${pattern}`);

export default {
  reporters: ["default", "<rootDir>/.ci/countTests.mjs"],
  projects: [
    { ...common, displayName: "unit", testMatch: ["<rootDir>/test/unit/**/*.test.ts"] },
    {
      ...onCounterparts,
      displayName: "integration",
      testMatch: [
        ...tests(["**/"]),
        ...not([...BESIDE, ...BACKFILL]),
        ...tests([...ALONE, ...UNDISTURBED]),
        "<rootDir>/test/contract/*.test.ts",
      ],
    },
    {
      ...common,
      displayName: "e2e",
      testMatch: ["<rootDir>/test/e2e/**/*.test.ts"],
      globalSetup: "<rootDir>/test/e2e/setup.mjs",
      globalTeardown: "<rootDir>/test/e2e/teardown.mjs",
    },
    {
      ...onCounterparts,
      displayName: "beside",
      testMatch: [...tests(BESIDE), ...not(ALONE)],
    },
    { ...onCounterparts, displayName: "backfill", testMatch: [...tests(BACKFILL), ...not(UNDISTURBED)] },
  ],
};
