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

/** Tests that wait most of the time, as Kestra takes a second for each slot: they are run beside each other. */
const BACKFILL = "/test/integration/backfill/";

export default {
  reporters: ["default", "<rootDir>/.ci/countTests.mjs"],
  projects: [
    { ...common, displayName: "unit", testMatch: ["<rootDir>/test/unit/**/*.test.ts"] },
    {
      ...onCounterparts,
      displayName: "integration",
      testMatch: ["<rootDir>/test/{integration,contract}/**/*.test.ts"],
      testPathIgnorePatterns: [BACKFILL],
    },
    {
      ...common,
      displayName: "e2e",
      testMatch: ["<rootDir>/test/e2e/**/*.test.ts"],
      globalSetup: "<rootDir>/test/e2e/setup.mjs",
      globalTeardown: "<rootDir>/test/e2e/teardown.mjs",
    },
    { ...onCounterparts, displayName: "backfill", testMatch: [`<rootDir>${BACKFILL}**/*.test.ts`] },
  ],
};
