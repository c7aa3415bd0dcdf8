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

export default {
  reporters: ["default", "<rootDir>/.ci/countTests.mjs"],
  projects: [
    { ...common, displayName: "unit", testMatch: ["<rootDir>/test/unit/**/*.test.ts"] },
    {
      ...common,
      displayName: "integration",
      testMatch: ["<rootDir>/test/{integration,contract}/**/*.test.ts"],
      globalSetup: "<rootDir>/test/support/globalSetup.mjs",
      globalTeardown: "<rootDir>/test/support/globalTeardown.mjs",
    },
  ],
};
