import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Where the control plane's credentials lie. */
export function credentialFiles(folder: string) {
  return {
    /** kube-apiserver signs its own certificate here at its first start; authority and certificate are in this one file. */
    apiServerCertificate: join(folder, "apiserver.crt"),
    controllerManagerCertificate: join(folder, "kube-controller-manager.crt"),
    /** The administrator's bearer token, as kube-apiserver reads it and alone. */
    tokens: join(folder, "tokens.csv"),
    adminToken: join(folder, "admin-token"),
    serviceAccountKey: join(folder, "service-account.key"),
    controllerManagerKubeconfig: join(folder, "controller-manager.kubeconfig"),
  };
}

/** Makes the administrator's token and the key that signs service account tokens, once. */
export function makeCredentials(folder: string): void {
  const files = credentialFiles(folder);
  // The last one written tells that all are there.
  if (existsSync(files.adminToken)) return;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const write = (file: string, text: string) => writeFileSync(file, text, { mode: 0o600 });
  const token = randomBytes(24).toString("hex");
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  write(files.serviceAccountKey, privateKey.export({ type: "pkcs8", format: "pem" }) as string);
  write(files.tokens, `${token},admin,admin,"system:masters"\n`);
  write(files.adminToken, token);
}

/** The administrator's token and the authority to verify kube-apiserver by (PEM). Throws before its first start. */
export function adminAccess(folder: string): { token: string; ca: string } {
  const files = credentialFiles(folder);
  return { token: readFileSync(files.adminToken, "utf8"), ca: readFileSync(files.apiServerCertificate, "utf8") };
}
