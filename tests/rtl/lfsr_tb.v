// The states of `lfsr` after 1, 2, 3, ... shifts: writes +y.

module lfsr_tb;
    parameter SIZE = 1, WIDTH = 16, TAPS = 16'hB400, GALOIS = 0, SEED = 1;

    reg [WIDTH-1:0] y [0:SIZE-1];
    reg [8*1024-1:0] name;
    reg clk = 0, load = 1;
    wire [WIDTH-1:0] state;
    wire [WIDTH-1:0] seed = SEED;
    integer i;

    lfsr #(.WIDTH(WIDTH), .TAPS(TAPS), .GALOIS(GALOIS))
        unit (.clk(clk), .load(load), .enable(1'b1), .seed(seed), .state(state));

    initial begin
        #1 clk = 1;
        #1 clk = 0;
        load = 0;
        for (i = 0; i < SIZE; i = i + 1) begin
            #1 clk = 1;
            #1 clk = 0;
            y[i] = state;
        end
        if ($value$plusargs("y=%s", name)) $writememh(name, y);
        $finish;
    end
endmodule
