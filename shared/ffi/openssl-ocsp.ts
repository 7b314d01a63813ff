// OCSP responses and the names of certificates in them (RFC 6960), through OpenSSL (openssl.ts). Control plane: everything is made and freed in a call.

import koffi from "koffi";
import { library } from "./library.ts";
import { certificatesOf, clearErrors, freeBio, freeCertificate, newMemoryBio } from "./openssl.ts";

const f = <T>(prototype: string): T => library.func(prototype) as T;

type A1 = (a: number) => number;
type A2 = (a: number, b: number) => number;
type A3 = (a: number, b: number, c: number) => number;

const parseResponse: (out: number, data: BigUint64Array, bytes: number) => number = f(
  "intptr_t d2i_OCSP_RESPONSE(intptr_t out, void *data, long bytes)",
);
const freeResponse: (response: number) => void = f("void OCSP_RESPONSE_free(intptr_t response)");
const printResponse: A3 = f("int OCSP_RESPONSE_print(intptr_t bio, intptr_t response, unsigned long flags)");
const basicOf: A1 = f("intptr_t OCSP_response_get1_basic(intptr_t response)");
const statusOf: A1 = f("int OCSP_response_status(intptr_t response)");
const freeBasic: (basic: number) => void = f("void OCSP_BASICRESP_free(intptr_t basic)");
const singleAt: A2 = f("intptr_t OCSP_resp_get0(intptr_t basic, int index)");
const idOfSingle: A1 = f("intptr_t OCSP_SINGLERESP_get0_id(intptr_t single)");
const makeId: A3 = f("intptr_t OCSP_cert_to_id(intptr_t digest, intptr_t subject, intptr_t issuer)");
const freeId: (id: number) => void = f("void OCSP_CERTID_free(intptr_t id)");
const encodeId: (id: number, out: BigUint64Array | null) => number = f("int i2d_OCSP_CERTID(intptr_t id, void *out)");
const verifyBasic: (basic: number, certificates: number, store: number, flags: number) => number = f(
  "int OCSP_basic_verify(intptr_t basic, intptr_t certificates, intptr_t store, unsigned long flags)",
);
const newStore: () => number = f("intptr_t X509_STORE_new()");
const addToStore: A2 = f("int X509_STORE_add_cert(intptr_t store, intptr_t certificate)");
const setStoreFlags: A2 = f("int X509_STORE_set_flags(intptr_t store, unsigned long flags)");
const freeStore: (store: number) => void = f("void X509_STORE_free(intptr_t store)");
const newStack: () => number = f("intptr_t OPENSSL_sk_new_null()");
const pushToStack: A2 = f("int OPENSSL_sk_push(intptr_t stack, intptr_t element)");
const freeStack: (stack: number) => void = f("void OPENSSL_sk_free(intptr_t stack)");
const bioRead: (bio: number, out: Uint8Array, bytes: number) => number = f(
  "int BIO_read(intptr_t bio, void *out, int bytes)",
);
const checkIssued: A2 = f("int X509_check_issued(intptr_t issuer, intptr_t subject)");

const CHUNK_BYTES = 4096;
const SUCCESSFUL = 0;
/** X509_V_FLAG_PARTIAL_CHAIN: an issuer is trusted although it does not sign itself. */
const PARTIAL_CHAIN = 0x80000;
/** OCSP_TRUSTOTHER: certificates that are given need no proof. */
const TRUST_OTHER = 0x200;
/** DER of SEQUENCE. */
const SEQUENCE = 0x30;

function withResponse<T>(der: Uint8Array, use: (response: number) => T): T | null {
  const pointer = new BigUint64Array([BigInt(koffi.address(der))]);
  const response = parseResponse(0, pointer, der.length);
  clearErrors();
  if (response === 0) return null;
  try {
    return use(response);
  } finally {
    freeResponse(response);
  }
}

/** The response for people, as OpenSSL prints it; null: it is none. */
export function ocspText(der: Uint8Array): string | null {
  return withResponse(der, (response) => {
    const bio = newMemoryBio();
    printResponse(bio, response, 0);
    const chunk = new Uint8Array(CHUNK_BYTES);
    let text = "";
    for (let got = bioRead(bio, chunk, CHUNK_BYTES); got > 0; got = bioRead(bio, chunk, CHUNK_BYTES))
      text += Buffer.from(chunk.subarray(0, got)).toString("latin1");
    freeBio(bio);
    return text;
  });
}

function derOfId(id: number): Uint8Array {
  const length = encodeId(id, null);
  const bytes = new Uint8Array(Math.max(0, length));
  if (length > 0) encodeId(id, new BigUint64Array([BigInt(koffi.address(bytes))]));
  return bytes;
}

/** Which certificate the response is about: the DER of its first CertID; null: it says nothing of any. */
export function ocspResponseId(der: Uint8Array): Uint8Array | null {
  return withResponse(der, (response) => {
    if (statusOf(response) !== SUCCESSFUL) return null;
    const basic = basicOf(response);
    if (basic === 0) return null;
    const single = singleAt(basic, 0);
    const id = single === 0 ? null : derOfId(idOfSingle(single));
    freeBasic(basic);
    return id;
  });
}

/** What OCSP calls the first certificate of `pem`: the DER of its CertID. Null: its issuer is not in the chain, nor in `issuers`. */
export function ocspCertificateId(pem: Uint8Array, issuers: Uint8Array | null): Uint8Array | null {
  const [leaf, ...others] = certificatesOf(pem);
  const more = issuers === null ? [] : certificatesOf(issuers);
  const issuer = leaf === undefined ? undefined : [...others, ...more].find((each) => checkIssued(each, leaf) === 0);
  let id: Uint8Array | null = null;
  if (leaf !== undefined && issuer !== undefined) {
    const made = makeId(0, leaf, issuer);
    if (made !== 0) {
      id = derOfId(made);
      freeId(made);
    }
  }
  for (const each of [leaf, ...others, ...more]) if (each !== undefined) freeCertificate(each);
  clearErrors();
  return id;
}

/** DER of a request for one certificate (RFC 6960 4.1), by what OCSP calls it. */
export function ocspRequest(certificateId: Uint8Array): Uint8Array {
  // OCSPRequest, its tbsRequest, the list, the one request: each holds nothing else.
  let der = Buffer.from(certificateId);
  for (let depth = 0; depth < 4; depth++) der = Buffer.concat([Buffer.of(SEQUENCE), lengthOf(der.length), der]);
  return new Uint8Array(der);
}

function lengthOf(bytes: number): Buffer {
  if (bytes < 0x80) return Buffer.of(bytes);
  return bytes < 0x100 ? Buffer.of(0x81, bytes) : Buffer.of(0x82, bytes >> 8, bytes & 0xff);
}

/** Whether the response is signed by who issued the certificate of `pem`, or by whom that one appointed. The issuer stands in the chain, or in `issuers`. */
export function isOcspSigned(der: Uint8Array, pem: Uint8Array, issuers: Uint8Array | null): boolean {
  const [leaf, ...others] = certificatesOf(pem);
  const more = issuers === null ? [] : certificatesOf(issuers);
  const issuer = leaf === undefined ? undefined : [...others, ...more].find((each) => checkIssued(each, leaf) === 0);
  const isSigned = issuer !== undefined && withResponse(der, (response) => isSignedBy(response, issuer)) === true;
  for (const each of [leaf, ...others, ...more]) if (each !== undefined) freeCertificate(each);
  clearErrors();
  return isSigned;
}

function isSignedBy(response: number, issuer: number): boolean {
  const basic = statusOf(response) === SUCCESSFUL ? basicOf(response) : 0;
  if (basic === 0) return false;
  const store = newStore();
  addToStore(store, issuer);
  setStoreFlags(store, PARTIAL_CHAIN);
  const stack = newStack();
  pushToStack(stack, issuer);
  const verdict = verifyBasic(basic, stack, store, TRUST_OTHER);
  freeStack(stack);
  freeStore(store);
  freeBasic(basic);
  return verdict === 1;
}
