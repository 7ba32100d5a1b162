const tea = Buffer.from("tea");
const hex = Buffer.from('7e', 'hex');
const list = Buffer.from([1, 2, 3]);
const empty = Buffer.alloc(1024);
const unknown = new Buffer(size);
const other = new other.Buffer("tea");
const nested = f(Buffer.from(`a${Buffer.from("b")}`));
