// Linear feedback shift register, to the right: bit 0 leaves first.
//
// Bit t-1 of TAPS stands for x**t of the polynomial. GALOIS 0 (Fibonacci): the exclusive or of
// bits WIDTH-t of all taps t enters at the top. GALOIS 1: where a 1 leaves, bits t-1 are inverted.

module lfsr #(
    parameter WIDTH = 16,
    parameter [WIDTH-1:0] TAPS = 16'hB400,
    parameter GALOIS = 0
) (
    input wire clk,
    input wire load,
    input wire enable,
    input wire [WIDTH-1:0] seed,
    output reg [WIDTH-1:0] state
);
    wire [WIDTH-1:0] tapped;
    genvar i;
    generate
        for (i = 0; i < WIDTH; i = i + 1) begin : tap
            assign tapped[i] = TAPS[WIDTH-1-i] & state[i];
        end
    endgenerate

    always @(posedge clk)
        if (load)
            state <= seed;
        else if (enable && GALOIS)
            state <= (state >> 1) ^ (state[0] ? TAPS : {WIDTH{1'b0}});
        else if (enable)
            state <= {^tapped, state[WIDTH-1:1]};
endmodule
