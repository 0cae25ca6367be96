import type { APIRoute } from "astro";
import { posts } from "../lib/posts";

const escape = (text: string) => text.replace(/[&<>]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[c]!);

export const GET: APIRoute = async ({ site }) => {
  const items = (await posts()).map(({ id, data }) => {
    const link = new URL(`/blog/${id}/`, site).href;
    return `<item><title>${escape(data.title)}</title><link>${link}</link><guid>${link}</guid><pubDate>${data.date.toUTCString()}</pubDate><description>${escape(data.summary)}</description></item>`;
  });
  const channel = `<title>Poniard</title><link>${site}</link><description>Notes on building and deploying.</description>${items.join("")}`;
  return new Response(`<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>${channel}</channel></rss>`, {
    headers: { "Content-Type": "application/rss+xml" },
  });
};
