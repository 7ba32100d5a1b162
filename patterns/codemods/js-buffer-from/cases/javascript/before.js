const tea = new Buffer("tea");
const hex = new Buffer('7e', 'hex');
const list = new Buffer([1, 2, 3]);
const empty = new Buffer(1024);
const unknown = new Buffer(size);
const other = new other.Buffer("tea");
const nested = f(new Buffer(`a${new Buffer("b")}`));
