//! What of the API only shows from outside: terminals, and programs with a session.

mod terminal;
