/** Proposed tags: starting to propose them, listing them, and deciding on them. */

import { api, body, type Job, type Schemas } from "@/api/client";
import { pictureOf, type Picture } from "@/api/pictures";

/** A picture that a tag is proposed for. */
export interface ProposedPicture {
  picture: Pick<Picture, "id" | "address">;
  probability: number;
}

/** A tag, and pictures that it is proposed for. */
export interface ProposedGroup {
  tag: string;
  count: number;
  pictures: ProposedPicture[];
}

export interface ProposedPage {
  groups: ProposedGroup[];
  next: string | null;
  /** Pictures whose proposals come from a model that was replaced. */
  outdated: number;
}

export type Verdict = "accept" | "reject";

/** Starts to propose tags. The key prevents a double click from starting it twice. */
export async function proposeTags(
  wanted: { vocabulary: string; atLeast: number },
  idempotencyKey: string,
): Promise<Job> {
  const params = { header: { "Idempotency-Key": idempotencyKey } };
  const vocabulary = wanted.vocabulary.trim();
  const request = {
    at_least: wanted.atLeast,
    ...(vocabulary === "" ? {} : { vocabulary }),
  };
  return body(await api.POST("/api/admin/tag", { params, body: request }));
}

interface Selection {
  tag?: string;
  atLeast: number;
  cursor: string | null;
  limit: number;
}

/** A page of the groups, or of the pictures of a tag. */
export async function listProposed({
  tag,
  atLeast,
  cursor,
  limit,
}: Selection): Promise<ProposedPage> {
  const query = {
    at_least: atLeast,
    limit,
    ...(tag === undefined ? {} : { tag }),
    ...(cursor === null ? {} : { cursor }),
  };
  const answer = body(await api.GET("/api/tags/proposed", { params: { query } }));
  return {
    groups: answer.groups.map(groupOf),
    next: answer.next_cursor ?? null,
    outdated: answer.outdated,
  };
}

function groupOf({ tag, count, pictures }: Schemas["ProposedGroup"]): ProposedGroup {
  const shown = pictures.map(({ id, image_url, probability }) => {
    const picture = pictureOf(id, { image_url });
    return { picture: { id: picture.id, address: picture.address }, probability };
  });
  return { tag, count, pictures: shown };
}

/** Pictures of one request. */
const AT_ONCE = 500;

/** Accepts or rejects a tag for these pictures. */
export async function decide(verdict: Verdict, tag: string, ids: readonly string[]): Promise<void> {
  for (let first = 0; first < ids.length; first += AT_ONCE) {
    const decided = ids.slice(first, first + AT_ONCE).map((id) => ({ id, tags: [tag] }));
    const request = verdict === "accept" ? { accept: decided } : { reject: decided };
    body(await api.POST("/api/tags/review", { body: request }));
  }
}

/** Accepts or rejects a tag for all pictures with at least this probability. */
export async function decideAll(verdict: Verdict, tag: string, atLeast: number): Promise<void> {
  const request = { tag, at_least: atLeast, action: verdict };
  let more = true;
  while (more) {
    const reviewed = body(await api.POST("/api/tags/review", { body: request }));
    more = reviewed.more && reviewed.pictures > 0;
  }
}
