/** Numbers, times and names as text. */

export function percent(value: number): string {
  return `${Math.round(value * 100)}%`;
}

export function count(value: number): string {
  return value.toLocaleString("en-US");
}

export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** The ending of a picture's file name. */
export function endingOf(mediaType: string): string {
  return mediaType === "image/jpeg" ? "jpg" : "png";
}

/** A size of files. */
export function bytes(value: number): string {
  if (value < 1000) return `${value} bytes`;
  const power = Math.min(4, Math.floor(Math.log10(value) / 3));
  const scaled = value / 1000 ** power;
  const unit = ["", "kB", "MB", "GB", "TB"][power] ?? "";
  return `${scaled < 10 ? scaled.toFixed(1) : Math.round(scaled)} ${unit}`;
}

/** A tag or a style as words. */
export function words(tag: string): string {
  return tag.replaceAll("_", " ").trim();
}

export function seconds(value: number): string {
  if (value < 60) return `${Math.round(value)} s`;
  if (value < 3600) return `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
  return `${Math.floor(value / 3600)} h ${Math.round((value % 3600) / 60)} min`;
}

export function ago(at: string, now: number): string {
  const passed = Math.max(0, (now - Date.parse(at)) / 1000);
  if (Number.isNaN(passed)) return "";
  if (passed < 45) return "just now";
  if (passed < 5400) return `${Math.max(1, Math.round(passed / 60))} min ago`;
  if (passed < 129_600) return `${Math.round(passed / 3600)} h ago`;
  return new Date(at).toLocaleDateString("en-GB", {
    day: "numeric",
    month: "short",
    year: "numeric",
  });
}

export function took(
  from: string | null | undefined,
  until: string | null | undefined,
): string | null {
  if (!from || !until) return null;
  const passed = (Date.parse(until) - Date.parse(from)) / 1000;
  if (!Number.isFinite(passed)) return null;
  return passed < 10 ? `${Math.max(0.1, passed).toFixed(1)} s` : seconds(passed);
}
