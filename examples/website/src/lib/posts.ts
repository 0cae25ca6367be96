import { getCollection } from "astro:content";

/** Every blog post, the newest first. */
export async function posts() {
  const all = await getCollection("blog");
  return all.sort((a, b) => b.data.date.valueOf() - a.data.date.valueOf());
}
