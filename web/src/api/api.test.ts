import { describe, expect, it } from "vitest";

import document from "../../openapi.json";

import { keyFor, useSession } from "@/state/session";

import { featuresOf, NO_FEATURES } from "./features";
import { suggestionsOf } from "./later";
import { hitOf, pageOf, picturePath } from "./pictures";
import { needsKey, problemOf, told, Unreachable, worthRetrying } from "./problem";

/** As it comes over the wire, which no type has checked; servers of other versions send less, or more. */
const sent = <T>(value: unknown): T => value as T;

describe("features", () => {
  it("are none without a document", () => {
    for (const value of [null, {}, { paths: [], components: 7 }]) expect(featuresOf(value)).toEqual(NO_FEATURES);
  });

  it("are found in the server's own document", () => {
    const found = featuresOf(document);
    expect(found).toMatchObject({ negativeText: true, diversity: true, severalLikes: true, lineage: true });
  });

  it("come and go with the document", () => {
    const later = structuredClone(document) as unknown as { paths: Record<string, unknown>; components: { schemas: Record<string, { properties: Record<string, unknown> }> } };
    const properties = (name: string) => later.components.schemas[name]?.properties ?? {};
    later.paths["/api/references/suggest"] = { post: {} };
    later.paths["/api/tags"] = { get: {} };
    later.paths["/api/admin/reindex"] = { post: { description: "Builds it anew." } };
    properties("SearchResult")["percentiles"] = {};
    properties("SearchForm")["facets"] = {};
    properties("SearchResponse")["facets"] = {};
    expect(featuresOf(later)).toMatchObject({ suggest: true, completesTags: true, reindex: true, minPercentile: true, facetsOfResults: true });
    delete properties("SearchForm")["negative_text"];
    later.paths["/api/admin/reindex"] = { post: { description: "Asks for it. The workers of this version cannot: the job fails." } };
    expect(featuresOf(later)).toMatchObject({ negativeText: false, reindex: false });
  });
});

describe("results", () => {
  const payload = { image_url: "/image/18446744073709551615", tags_all: ["apple", 7], matched_tags: ["line_art"], style: "line_art", subject: "apple", source_post_url: "javascript:alert(1)", license: "CC0", width: 10 };
  const result = { id: 18446744073709552000, score: 0.9, scores: { image: 0.8, edge: null, text: null }, lexical: null, path: "a.png", payload };

  it("keep ids that JavaScript's numbers cannot hold, and no address that is none", () => {
    const { picture, percentiles } = hitOf(sent(result));
    expect(picture).toMatchObject({ id: "18446744073709551615", title: "apple", tags: ["apple"], styles: ["line_art"], source: null, licence: "CC0", width: 10, height: null });
    expect(percentiles).toBeNull();
    expect(hitOf(sent({ ...result, payload: { ...payload, source_post_url: "https://a.org/1" } })).picture.source).toBe("https://a.org/1");
  });

  it("have the address of the version that was found, and the plain one where the answer has none", () => {
    const at = (image_url: unknown) => hitOf(sent({ ...result, payload: { ...payload, image_url } })).picture;
    const versioned = at("/image/17?v=abc");
    expect([versioned.id, picturePath(versioned), picturePath(versioned, 256)]).toEqual(["17", "/image/17?v=abc", "/image/17?v=abc&w=256"]);
    expect(picturePath(at("/studio/image/17?v=a"))).toBe("/studio/image/17?v=a");
    // What is kept goes by its id alone: a version that was kept would be shown for ever.
    expect([picturePath({ id: "17" }), picturePath({ id: "a b" }, 64)]).toEqual(["/api/image/17", "/api/image/a%20b?w=64"]);
    for (const elsewhere of ["//evil.example/image/17", "https://evil.example/image/17", 7, "image/17"]) expect(at(elsewhere).address, String(elsewhere)).toBeNull();
  });

  it("tell made pictures by their origin, and name them by their prompt", () => {
    const made = { ...payload, subject: undefined, origin: "generated", prompt: "a red apple" };
    expect(hitOf(sent({ ...result, payload: made })).picture).toMatchObject({ made: true, title: "a red apple" });
    expect(hitOf(sent(result)).picture.made).toBe(false);
  });

  it("show percentiles, look-alikes and facets where the server has them", () => {
    const later = { ...result, percentiles: { image: 0.99, edge: null, text: null }, percentile: 0.98, duplicates: [1, 2] };
    expect(hitOf(sent(later))).toMatchObject({ percentiles: { image: 0.99 }, percentile: 0.98, duplicates: 2 });
    const answer = { results: [result], priors_size: 0, took_ms: { preprocess: 0, embed: 0, search: 0, total: 5 }, weights: { image: 1, edge: 0, text: 0 } };
    expect(pageOf(sent(answer))).toMatchObject({ facets: null, nextCursor: null });
    const counted = { ...answer, facets: { of: 200, tags: [{ value: "apple", count: 3 }], styles: [{ value: "line_art", count: 2 }, 7] } };
    expect(pageOf(sent(counted)).facets).toEqual({ tags: [{ value: "apple", count: 3 }], styles: [{ value: "line_art", count: 2 }] });
  });
});

describe("suggestions", () => {
  it("are named by what they show, with ids that JavaScript's numbers cannot hold", () => {
    const payload = { image_url: "/image/18446744073709551615", subject: "house", license: "CC0" };
    const references = [{ id: 18446744073709552000, role: "subject", weight: 0.8, reason: "the closest", style: "line_art", payload }, { role: "style" }];
    expect(suggestionsOf({ references })).toEqual([{ id: "18446744073709551615", title: "house", licence: "CC0", role: "subject", weight: 0.8, reason: "the closest" }]);
    expect(suggestionsOf({})).toEqual([]);
  });
});

describe("problems", () => {
  it("are read from problem JSON, and from anything else", () => {
    const problem = problemOf(429, JSON.stringify({ status: 429, code: "over_budget", title: "No", detail: "Come back at midnight" }), "60");
    expect(problem).toMatchObject({ status: 429, code: "over_budget", message: "Come back at midnight", retryAfter: 60 });
    expect(told(problemOf(502, "<html>", null))).toBe("The server answered 502.");
    expect(needsKey(problemOf(401, "", null))).toBe(true);
    expect([new Unreachable(), problemOf(503, "", null), problemOf(400, "", null)].map(worthRetrying)).toEqual([true, true, false]);
  });
});

describe("the artist", () => {
  it("is the same at the next visit", () => {
    expect(localStorage.getItem("clippy.session")).toContain(useSession.getState().artist);
  });
});

describe("keys", () => {
  it("stay in this tab, unless the browser is to keep them", () => {
    useSession.getState().setKey("adminKey", " root ", false);
    useSession.getState().setKey("key", "k", true);
    expect(useSession.getState()).toMatchObject({ adminKey: "root", key: "k" });
    expect(localStorage.getItem("clippy.session")).not.toContain("root");
    expect(sessionStorage.getItem("clippy.keys")).toBe('{"key":"","adminKey":"root"}');
    useSession.getState().setKey("adminKey", "", false);
    expect(sessionStorage.getItem("clippy.keys")).toBeNull();
  });

  it("that another tab forgot are not written back", async () => {
    useSession.getState().setKey("key", "k", true);
    const stored = localStorage.getItem("clippy.session") ?? "";
    localStorage.setItem("clippy.session", stored.replace('"key":"k"', '"key":""'));
    window.dispatchEvent(new StorageEvent("storage", { key: "clippy.session" }));
    await Promise.resolve();
    useSession.getState().setTheme("dark");
    expect(useSession.getState().key).toBe("");
    expect(localStorage.getItem("clippy.session")).not.toContain('"key":"k"');
  });

  it("go where they open something", () => {
    const keys = { key: "k", adminKey: "a" };
    expect(["/api/admin/queues", "/api/jobs/1", "/api/search/hybrid"].map((path) => keyFor(path, keys))).toEqual(["a", "a", "k"]);
    expect(keyFor("/api/admin/queues", { key: "k", adminKey: "" })).toBe("k");
    expect(keyFor("/api/facets", { key: "", adminKey: "" })).toBe("");
  });
});
