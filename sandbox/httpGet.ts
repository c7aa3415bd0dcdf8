import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";

/**
 * The answer to a GET, or undefined when there is none within two seconds. An https server must show a certificate of the
 * authority `ca` (PEM).
 */
export function httpGet(
  url: string,
  options: { ca?: string; token?: string } = {},
): Promise<{ status: number | undefined; body: string } | undefined> {
  const request = url.startsWith("https:") ? httpsRequest : httpRequest;
  const headers = options.token === undefined ? {} : { authorization: `Bearer ${options.token}` };
  return new Promise((resolve) => {
    const sent = request(
      url,
      { agent: false, timeout: 2_000, headers, ...(options.ca && { ca: options.ca }) },
      (answer) => {
        let body = "";
        answer.setEncoding("utf8").on("data", (text: string) => (body += text));
        answer.on("end", () => resolve({ status: answer.statusCode, body }));
        answer.on("error", () => resolve(undefined));
      },
    );
    sent.on("timeout", () => sent.destroy());
    sent.on("error", () => resolve(undefined));
    sent.end();
  });
}

/** Whether a GET is answered 200. Options as of `httpGet`. */
export async function answersOk(url: string, options: { ca?: string; token?: string } = {}): Promise<boolean> {
  return (await httpGet(url, options))?.status === 200;
}
