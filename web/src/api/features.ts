/** What this server can do, read from its OpenAPI document. What it lacks is not shown. */

import { fields, isFields, text, type Fields } from "@/lib/json";

export interface Features {
  negativeText: boolean;
  madePictures: boolean;
  diversity: boolean;
  minPercentile: boolean;
  severalLikes: boolean;
  facetsOfResults: boolean;
  completesTags: boolean;
  calibrate: boolean;
  suggest: boolean;
  lineage: boolean;
  reindex: boolean;
}

export const NO_FEATURES: Features = {
  negativeText: false,
  madePictures: false,
  diversity: false,
  minPercentile: false,
  severalLikes: false,
  facetsOfResults: false,
  completesTags: false,
  calibrate: false,
  suggest: false,
  lineage: false,
  reindex: false,
};

function properties(schema: unknown): Fields {
  const found = fields(schema);
  const own = fields(found["properties"]);
  const inherited = Array.isArray(found["allOf"]) ? found["allOf"].map(properties) : [];
  return Object.assign({}, ...inherited, own) as Fields;
}

export function featuresOf(document: unknown): Features {
  const paths = fields(fields(document)["paths"]);
  const schemas = fields(fields(fields(document)["components"])["schemas"]);
  const form = properties(schemas["SearchForm"]);
  const answer = properties(schemas["SearchResponse"]);
  const result = properties(schemas["SearchResult"]);
  const like = fields(form["like"])["type"];
  // Servers that cannot calibrate know the field all the same, and answer 422: only results tell.
  const calibrated = Object.keys(result).some((name) => name.startsWith("percentile"));
  return {
    negativeText: "negative_text" in form,
    madePictures: "origin" in form,
    diversity: "diversity" in form,
    minPercentile: "min_percentile" in form && calibrated,
    severalLikes: Array.isArray(like) ? like.includes("array") : like === "array",
    facetsOfResults: "facets" in form && "facets" in answer,
    completesTags: "/api/tags" in paths,
    calibrate: "/api/admin/calibrate" in paths,
    suggest: "/api/references/suggest" in paths,
    lineage: "/api/lineage" in paths,
    reindex: "/api/admin/reindex" in paths && works(paths["/api/admin/reindex"]),
  };
}

/** An earlier server takes the call and says in its description that no worker of it can do the work. */
function works(path: unknown): boolean {
  const operation = isFields(path) ? fields(path["post"]) : {};
  const described = `${text(operation["summary"]) ?? ""} ${text(operation["description"]) ?? ""}`;
  return !/workers of this\s+version cannot/i.test(described);
}
