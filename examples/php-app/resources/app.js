import "./app.css";

document.documentElement.dataset.ready = "true";
