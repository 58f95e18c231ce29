use thing::{KeyRing, Model, Sealed};

#[derive(Model, Clone)]
struct Patient {
    id: i64,
    #[thing(unique)]
    ssn: Sealed<String>,
    note: Option<Sealed<String>>,
    name: String,
}

fn main() {
    let keys = KeyRing::new(1, [0; 32]);
    let sealed = Sealed::<String>::from_bytes([]);
    let _ = Patient::SSN.eq(sealed);
    let _ = Patient::NOTE.asc();
    let _ = Patient::NOTE.is_null();
    let _ = Patient::NAME.seal(&keys, "not sealed");
}
