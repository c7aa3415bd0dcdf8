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

/** In these folders, the tests that restart Kestra, are all at home in the tutorial's namespace, or measure how fast something is. */
const ALONE = "(flow/plugin|(flow|kv)/tutorial|kv/(reference|rights|rotation)|cli/program)\\.test\\.ts$";
/** All others keep to namespaces of their own and are in no hurry: they are run beside each other. */
const BESIDE = `/test/integration/(?!${ALONE})(flow|kv|cli)/`;
/** So are these, but apart from what saves flows in a hurry: Kestra's scheduler can miss one of two that are saved at once. */
const BACKFILL = "/test/integration/backfill/";

export default {
  reporters: ["default", "<rootDir>/.ci/countTests.mjs"],
  projects: [
    { ...common, displayName: "unit", testMatch: ["<rootDir>/test/unit/**/*.test.ts"] },
    {
      ...onCounterparts,
      displayName: "integration",
      testMatch: ["<rootDir>/test/{integration,contract}/**/*.test.ts"],
      testPathIgnorePatterns: [BACKFILL, BESIDE],
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
      testMatch: ["<rootDir>/test/integration/{flow,kv,cli}/**/*.test.ts"],
      testPathIgnorePatterns: [`/test/integration/${ALONE}`],
    },
    { ...onCounterparts, displayName: "backfill", testMatch: [`<rootDir>${BACKFILL}**/*.test.ts`] },
  ],
};
